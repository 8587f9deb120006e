"""Lite servers that are unwell in every way: payments are found late at most, and each once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from tests.conftest import new_database
from tests.e2e.calm import calm, metrics
from tests.e2e.chain import Chain, payment_of
from tests.e2e.conftest import World, open_world_on
from tests.e2e.daemon import free_port
from tests.e2e.eventually import eventually
from tests.e2e.flows import outlive

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]

AMOUNT = 5_000_000
LIFE_SECS = 30
LAG_BLOCKS = 12


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chain]:
    """A chain behind two lite servers."""
    options = ("--block-seconds", "0.25", "--lite-servers", "2")
    async with Chain.open(tmp_path_factory.mktemp("chain"), *options) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(chain: Chain, postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A daemon that shows its metrics."""
    folder, place = tmp_path_factory.mktemp("daemon"), f"127.0.0.1:{free_port()}"
    async with new_database(postgres_uri) as uri, open_world_on(chain, uri, folder, METRICS=place) as opened:
        yield opened


@asynccontextmanager
async def fault(chain: Chain, mode: str, server: int | str = "all", lag_blocks: int = 0) -> AsyncIterator[None]:
    """Let lite servers be unwell inside the block."""
    await chain.ask("/faults", {"mode": mode, "server": server, "lag_blocks": lag_blocks})
    try:
        yield
    finally:
        await chain.ask("/faults", {"mode": "none", "server": server})


async def assert_paid_once(world: World, invoice_id: str) -> None:
    await world.backend.event(invoice_id, "paid")
    assert world.backend.statuses(invoice_id) == ["waiting", "paid"]
    assert (await world.shop.get(invoice_id))["overpayment"] == "0"


async def nodes_up(world: World) -> float:
    return sum(
        value for name, value in (await metrics(world.daemon)).items() if name.startswith("harvester_ton_node_up")
    )


@pytest.mark.parametrize("mode", ["drop", "stall", "refuse"])
async def test_one_of_two_lite_servers_that_fails_is_hardly_noticed(world: World, mode: str) -> None:
    async def up(count: int) -> bool:
        return await nodes_up(world) == count

    invoice = await world.shop.create("TON", AMOUNT)
    async with calm(world.daemon), fault(world.chain, mode, server=0):
        await world.chain.pay(payment_of(invoice))
        await assert_paid_once(world, invoice["id"])
        await eventually(lambda: up(1), "the metrics say that one is down")
        await world.daemon.until_readiness(lambda status, _body: status == 200)
    await eventually(lambda: up(2), "both are in use again")


async def test_lite_servers_that_take_turns_in_being_behind_show_each_payment_once(world: World) -> None:
    """One is ahead and one behind; then the other way round; and in between the one ahead is gone."""
    invoices = [await world.shop.create("TON", AMOUNT) for _ in range(4)]
    async with calm(world.daemon):
        for behind, invoice in enumerate(invoices):
            async with fault(world.chain, "lag", behind % 2, LAG_BLOCKS):
                await world.chain.pay(payment_of(invoice))
                if behind >= 2:
                    async with fault(world.chain, "refuse", (behind + 1) % 2):
                        await assert_paid_once(world, invoice["id"])
        for invoice in invoices:
            await assert_paid_once(world, invoice["id"])
    await world.daemon.until_readiness(lambda status, _body: status == 200)


async def test_a_payment_while_all_are_away_for_longer_than_the_invoice_lives_is_in_time(world: World) -> None:
    """What was paid meanwhile is paid as of then, and only what was not paid expires, once that is known."""
    ahead_secs = max(0, await world.chain.now() - int(time.time()))
    paid, forgotten = [await world.shop.create("TON", AMOUNT, ahead_secs + LIFE_SECS) for _ in range(2)]
    async with calm(world.daemon) as watched:
        async with fault(world.chain, "refuse"):
            await world.daemon.until_readiness(
                lambda status, body: status == 503 and "no lite server is usable" in str(body["reasons"])
            )
            earliest = await world.chain.now()
            await world.chain.pay(payment_of(paid))
            latest = await world.chain.now()
            await outlive(world, paid)
            await asyncio.sleep(1)  # nothing must happen in it
            assert [(await world.shop.get(each["id"]))["status"] for each in (paid, forgotten)] == ["waiting"] * 2
            assert await nodes_up(world) == 0
            assert (await metrics(world.daemon))["harvester_ready"] == 0
        await assert_paid_once(world, paid["id"])
        await world.backend.event(forgotten["id"], "expired")
        await world.daemon.until_readiness(lambda status, _body: status == 200)
    assert earliest <= (await world.shop.get(paid["id"]))["paid_at"] <= latest < paid["expire_at"]
    assert watched.messages.count("not ready any more") <= 1


async def test_a_chain_that_stands_still_is_waited_for_in_peace(world: World) -> None:
    await world.chain.ask("/blocks/stop", {})
    try:
        async with calm(world.daemon):
            await asyncio.sleep(3)  # what it does meanwhile is what is watched
    finally:
        await world.chain.ask("/blocks/resume", {})
    invoice = await world.shop.create("TON", AMOUNT)
    await world.chain.pay(payment_of(invoice))
    await assert_paid_once(world, invoice["id"])
