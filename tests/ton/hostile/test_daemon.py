"""The whole daemon, as a merchant runs it, between a hostile lite server and an honest one: what is seen over HTTP."""

import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from harvester_ton.devnet.accounts import raw_address
from harvester_ton.devnet.local import LocalTon, Payment
from harvester_ton.verification import Reason
from tests.conftest import new_database
from tests.e2e.backend import Backend
from tests.e2e.daemon import Daemon, free_port
from tests.e2e.eventually import eventually
from tests.e2e.shop import TOKEN, Shop
from tests.ton.hostile.account_lies import ForgedState
from tests.ton.hostile.chain_lies import ChainOfItsOwn
from tests.ton.hostile.lies import Lie
from tests.ton.hostile.worlds import HONEST, HOSTILE, Clock, chain, make_hostile, merchant
from tests.ton.watching import needs_chain

pytestmark = needs_chain

AMOUNT = 4_000_000
BLOCK_SECONDS = 0.05
LEAD = 50
"""Blocks by which the thief's chain is ahead, and stays it, because both grow alike; from 100 on a server that is asked
to wait for one takes it for nonsense."""


@dataclass
class World:
    """A merchant's daemon, backend and chain; and a thief with a chain and a lite server."""

    ton: LocalTon
    thief: LocalTon
    daemon: Daemon
    metrics_url: str
    backend: Backend
    shop: Shop

    async def order(self) -> dict[str, Any]:
        """Create an invoice; its buyer pays the thief's chain, which is far ahead."""
        invoice = await self.shop.create("TON", AMOUNT)
        await self.thief.burst([self.payment(invoice)])
        await self.thief.produce_block(max(1, self.ton.seqno + LEAD - self.thief.seqno))
        return invoice

    def payment(self, invoice: dict[str, Any]) -> Payment:
        """What settles an invoice, on whatever chain."""
        return Payment(merchant(self.ton), AMOUNT, text=invoice["id"])

    async def refused(self, reason: Reason) -> None:
        """Wait until the metrics say that an answer was refused for this reason, and that its server is not in use."""
        hostile = f"127.0.0.1:{self.ton.servers[HOSTILE].port}"

        async def told() -> bool:
            async with aiohttp.ClientSession() as session, session.get(self.metrics_url) as answer:
                text = await answer.text()
            refused = re.search(rf'^harvester_ton_proof_checks_total{{result="{reason}"}} [1-9]', text, re.MULTILINE)
            return bool(refused) and f'harvester_ton_node_up{{node="{hostile}"}} 0.0' in text

        await eventually(told, f"refused as {reason}, and put aside")


@pytest.fixture
async def world(postgres_uri: str, tmp_path: Path) -> AsyncIterator[World]:
    """The honest server is a block behind, so that the hostile one is asked first."""
    folder, clock = tmp_path, Clock()
    async with (
        chain(clock, block_seconds=BLOCK_SECONDS) as ton,
        chain(clock, block_seconds=BLOCK_SECONDS, seed=b"thief", lite_servers=1) as thief,
        new_database(postgres_uri) as database_uri,
        Backend.open() as backend,
    ):
        await ton.set_faults("lag", server=HONEST, lag_blocks=1)
        metrics = f"127.0.0.1:{free_port()}"
        daemon = Daemon(settings(ton, folder, database_uri, backend) | {"METRICS": metrics}, folder)
        try:
            await daemon.start_ready()
            async with aiohttp.ClientSession(daemon.url, headers={"Authorization": f"Bearer {TOKEN}"}) as session:
                yield World(ton, thief, daemon, f"http://{metrics}/metrics", backend, Shop(session))
        finally:
            await daemon.kill()
        assert backend.refused == []


def settings(ton: LocalTon, folder: Path, database_uri: str, backend: Backend) -> dict[str, str]:
    """As an operator writes them: nothing is said of VERIFY."""
    config = folder / "network.json"
    config.write_text(json.dumps(ton.network_config()))
    return {
        "NETWORK_CONFIG": str(config),
        "RECIPIENT": raw_address(merchant(ton)),
        "POSTGRES_URI": database_uri,
        "TOKEN": TOKEN,
        "WEBHOOK_ENDPOINT": backend.url,
        "WEBHOOK_SECRET": backend.secret,
    }


def chain_of_its_own(world: World) -> Lie:
    """What the thief can do without anybody's key."""
    return ChainOfItsOwn(world.thief)


def forged_state(world: World) -> Lie:
    """The same under real blocks."""
    return ForgedState(world.thief, merchant(world.ton), world.ton)


@pytest.mark.parametrize(("lie_of", "reason"), [(chain_of_its_own, Reason.UNPROVEN), (forged_state, Reason.MALFORMED)])
async def test_a_lie_is_counted_its_server_put_aside_and_the_real_payment_credited(
    world: World, lie_of: Callable[[World], Lie], reason: Reason
) -> None:
    invoice = await world.order()
    make_hostile(world.ton, lie_of(world))
    await world.refused(reason)
    assert (await world.shop.get(invoice["id"]))["status"] == "waiting"
    await world.ton.burst([world.payment(invoice)])
    await world.backend.event(invoice["id"], "paid")
    paid = await world.shop.get(invoice["id"])
    assert (paid["status"], paid["overpayment"]) == ("paid", "0")
    assert world.backend.statuses(invoice["id"]) == ["waiting", "paid"]
    await world.daemon.until_readiness(lambda status, _body: status == 200)
