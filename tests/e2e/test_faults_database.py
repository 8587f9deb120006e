"""A database that is unwell in every way: nothing is lost or doubled, all is told, and it needs nobody to go on."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.calm import calm, metrics
from tests.e2e.chain import Chain, payment_of
from tests.e2e.conftest import World, open_world_on
from tests.e2e.daemon import free_port
from tests.e2e.eventually import eventually
from tests.faulty_postgres import Cut, FaultyPostgres

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]

AMOUNT = 5_000_000
WATCH_SECS = 1.5
"""How long a fault is watched after it was noticed."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chain]:
    """A chain with blocks as rare as the network's: what the daemon does besides must not drown in them."""
    async with Chain.open(tmp_path_factory.mktemp("chain"), "--block-seconds", "0.25") as opened:
        yield opened


@dataclass
class Rig:
    """A daemon, and the database that is going to fail it."""

    world: World
    postgres: FaultyPostgres

    async def orders(self, count: int = 4) -> list[dict[str, Any]]:
        """Create invoices and wait until nothing more is to be done for them.

        A webhook in flight when the database fails is sent again when its lease has ended.
        """
        invoices = [await self.world.shop.create("TON", AMOUNT + number) for number in range(count)]
        await eventually(self._all_told, "the outbox is empty")
        return invoices

    async def _all_told(self) -> bool:
        return await self.postgres.value("SELECT count(*) FROM deliveries WHERE status = 'pending'") == 0

    async def pay(self, invoices: list[dict[str, Any]]) -> None:
        """Pay them all at once."""
        await self.world.chain.burst([payment_of(invoice) for invoice in invoices], per_block=len(invoices))

    async def until_not_ready(self, reason: str) -> None:
        """Wait until `/readyz` names the reason."""
        await self.world.daemon.until_readiness(lambda status, body: status == 503 and reason in str(body["reasons"]))

    async def is_told(self, up: int) -> bool:
        """Whether the metrics say that the database is there (1), or away (0)."""
        seen = await metrics(self.world.daemon)
        return (seen["harvester_database_up"], seen["harvester_ready"]) == (up, up)

    async def assert_paid_once(self, invoices: list[dict[str, Any]]) -> None:
        """Wait for the whole truth about paid invoices: webhooks in order, one payment each, and a ready daemon."""
        for invoice in invoices:
            await self.world.backend.event(invoice["id"], "paid")
            assert self.world.backend.statuses(invoice["id"]) == ["waiting", "paid"]
            assert (await self.world.shop.get(invoice["id"]))["overpayment"] == "0"
        await self.world.daemon.until_readiness(lambda status, _body: status == 200)
        status, stdout, stderr = await self.world.harvester("payment", "list", "--json", "--limit", "1000")
        assert status == 0, stderr
        references = [payment["reference"] for payment in json.loads(stdout)["payments"]]
        assert [references.count(invoice["id"]) for invoice in invoices] == [1] * len(invoices)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(chain: Chain, postgres_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """A daemon with a database of its own that can fail."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(FaultyPostgres.open(postgres_folder / "faulty"))
        place = f"127.0.0.1:{free_port()}"
        folder = tmp_path_factory.mktemp("daemon")
        world = await stack.enter_async_context(open_world_on(chain, postgres.uri, folder, METRICS=place))
        yield Rig(world, postgres)


@asynccontextmanager
async def lost(postgres: FaultyPostgres) -> AsyncIterator[None]:
    """Packets vanish and nobody says so; in the end the connections break."""
    with postgres.way.stalled():
        yield
        postgres.way.cut()


Fault = Callable[[FaultyPostgres], AbstractAsyncContextManager[None]]


@pytest.mark.parametrize(
    "fault", [FaultyPostgres.restarting, FaultyPostgres.paused, lost], ids=lambda fault: fault.__name__
)
async def test_a_database_that_is_away_for_a_while_costs_time_and_nothing_else(rig: Rig, fault: Fault) -> None:
    invoices = await rig.orders()
    async with calm(rig.world.daemon) as watched:
        async with fault(rig.postgres):
            await rig.pay(invoices)
            await rig.until_not_ready("database")
            await eventually(lambda: rig.is_told(0), "the metrics say that it is down")
            await asyncio.sleep(WATCH_SECS)  # what it does meanwhile is what is watched
            assert await rig.is_told(0)
        await rig.assert_paid_once(invoices)
    assert watched.messages.count("not ready any more") <= 1
    await eventually(lambda: rig.is_told(1), "the metrics say that it is up")


@pytest.mark.parametrize("cut", Cut)
async def test_connections_that_break_at_the_commit_double_and_lose_nothing(rig: Rig, cut: Cut) -> None:
    invoices = await rig.orders()
    rig.postgres.way.cut_commits([cut] * 3)
    async with calm(rig.world.daemon):
        await rig.pay(invoices)
        await rig.assert_paid_once(invoices)
    assert rig.postgres.way.commits_to_cut < 3


@pytest.mark.parametrize(
    ("table", "verb"), [("payments", "INSERT"), ("events", "INSERT"), ("delivery_attempts", "INSERT")]
)
async def test_a_full_disk_is_told_and_waited_for(rig: Rig, table: str, verb: str) -> None:
    invoices = await rig.orders()
    async with calm(rig.world.daemon):
        async with rig.postgres.failing(table, verb, "53100"):
            await rig.pay(invoices)
            await rig.until_not_ready("DiskFull")
            await asyncio.sleep(WATCH_SECS)  # what it does meanwhile is what is watched
            assert (await metrics(rig.world.daemon))["harvester_ready"] == 0
        await rig.assert_paid_once(invoices)


async def test_an_order_on_a_full_disk_is_refused_and_leaves_nothing(rig: Rig) -> None:
    before = await rig.world.shop.list()
    async with rig.postgres.failing("events", "INSERT", "53100"):
        with pytest.raises(AssertionError, match="temporarily unavailable"):
            await rig.world.shop.create("TON", AMOUNT)
    assert await rig.world.shop.list() == before


@pytest.mark.parametrize(
    ("table", "verb", "sqlstate"),
    [("payments", "INSERT", "40001"), ("deliveries", "UPDATE", "40P01")],
    ids=["serialization failure", "deadlock"],
)
async def test_a_transaction_that_the_database_gives_up_is_tried_again(
    rig: Rig, table: str, verb: str, sqlstate: str
) -> None:
    invoices = await rig.orders()
    async with calm(rig.world.daemon), rig.postgres.failing(table, verb, sqlstate, times=5):
        await rig.pay(invoices)
        await rig.assert_paid_once(invoices)


async def test_failures_that_come_and_go_for_long_do_not_flood_the_log(rig: Rig) -> None:
    """Every third write of the outbox fails while a shop is busy."""
    await rig.postgres.execute("""
        CREATE SEQUENCE now_and_then;
        CREATE FUNCTION fail_now_and_then() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('now_and_then') % 3 = 0 THEN RAISE EXCEPTION 'a test wants it' USING ERRCODE = '40001'; END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER now_and_then BEFORE UPDATE ON deliveries FOR EACH STATEMENT EXECUTE FUNCTION fail_now_and_then();
    """)
    invoices: list[dict[str, Any]] = []
    try:
        async with calm(rig.world.daemon):
            for _ in range(20):
                invoices += await rig.orders(1)
                await rig.world.backend.event(invoices[-1]["id"], "waiting")
    finally:
        await rig.postgres.execute("DROP FUNCTION fail_now_and_then CASCADE; DROP SEQUENCE now_and_then")
    await rig.pay(invoices)
    await rig.assert_paid_once(invoices)


async def test_no_connection_leaks_in_all_of_this(rig: Rig) -> None:
    """The pool never asks for more than its size, and what broke is not kept."""
    daemon = rig.world.daemon

    async def few() -> bool:
        return rig.postgres.way.connections <= 18

    await eventually(few, f"few connections are left; there are {rig.postgres.way.connections}")
    assert await daemon.stop() == 0
