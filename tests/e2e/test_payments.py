"""Every way to pay, from the shop's order to its webhooks; and again with a daemon that is killed meanwhile."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import pytest

from tests.e2e.backend import Delivery, accept
from tests.e2e.chain import Chain
from tests.e2e.conftest import World, open_world
from tests.e2e.flows import AMOUNT, FLOWS, WAYS, Booked, Case, create_short_lived, outlive

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]

LEASE_SECS = 60.0
"""How long a delivery that was under way when its daemon died may wait: the timeout of a send and some more."""
Flow = Callable[[Case], Awaitable[Booked]]


async def nothing() -> None:
    """What happens in the middle of an undisturbed flow."""


async def assert_ledger(world: World, booked: Sequence[Booked]) -> None:
    """Compare with what `harvester payment list` shows: each payment once, in order, in its class."""
    status, stdout, stderr = await world.harvester("payment", "list", "--json", "--limit", "1000")
    assert status == 0, stderr
    payments = sorted(json.loads(stdout)["payments"], key=lambda payment: payment["id"])
    for expected in booked:
        classes = [payment["class"] for payment in payments if payment.get("reference") == expected.reference]
        assert classes == expected.classes


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.__name__)
async def test_the_merchant_hears_the_truth_in_order_and_once(world: World, flow: Flow) -> None:
    already = len(world.backend.deliveries)
    booked = await asyncio.gather(*(flow(Case(world, way, nothing)) for way in WAYS))
    events = [delivery.event_id for delivery in world.backend.deliveries[already:]]
    assert len(set(events)) == len(events)
    await assert_ledger(world, booked)


class Interruption:
    """Lets flows come to their middle, kills the daemon while it works on all their payments, and starts it again."""

    def __init__(self, world: World, flows: int, die_after_secs: float) -> None:
        self._world = world
        self._die_after_secs = die_after_secs
        self._barrier = asyncio.Barrier(flows)

    async def __call__(self) -> None:
        if await self._barrier.wait() == 0:
            await self._world.chain.ask("/blocks/resume", {})
            await asyncio.sleep(self._die_after_secs)  # the moment of death is what the test varies
            await self._world.daemon.restart()
        await self._barrier.wait()


async def test_a_kill_in_the_middle_of_everything_loses_and_doubles_nothing(
    chain: Chain, postgres_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Daemons side by side on one wallet, each killed at another moment: before, while and after it books the block."""
    async with AsyncExitStack() as stack:
        deaths: list[tuple[World, float]] = []
        for die_after_secs in (0.05, 0.1, 0.2):
            folder = tmp_path_factory.mktemp("daemon")
            deaths.append((await stack.enter_async_context(open_world(chain, postgres_uri, folder)), die_after_secs))
        await chain.ask("/blocks/stop", {})
        await asyncio.gather(*(live_through(world, die_after_secs) for world, die_after_secs in deaths))


async def live_through(world: World, die_after_secs: float) -> None:
    """Run all flows in all ways at once, with a kill in the middle, and look into the ledger."""
    cases = [(flow, way) for flow in FLOWS for way in WAYS]
    interruption = Interruption(world, len(cases), die_after_secs)
    await assert_ledger(world, await asyncio.gather(*(flow(Case(world, way, interruption)) for flow, way in cases)))


async def test_an_invoice_paid_in_time_while_the_daemon_is_down_is_paid(world: World) -> None:
    cases = [Case(world, way, nothing) for way in WAYS]
    invoices = [await create_short_lived(case) for case in cases]
    assert await world.daemon.stop() == 0
    for case, invoice in zip(cases, invoices, strict=True):
        await case.pay(invoice)
    await outlive(world, max(invoices, key=lambda invoice: int(invoice["expire_at"])))
    await world.daemon.start_ready()
    await asyncio.gather(*(case.expect(invoice, "paid", 0) for case, invoice in zip(cases, invoices, strict=True)))
    for invoice in invoices:
        shown = await world.shop.get(invoice["id"])
        assert shown["paid_at"] <= shown["expire_at"] < await world.chain.now()


async def test_a_webhook_that_a_kill_left_unacknowledged_is_repeated_unchanged(world: World) -> None:
    invoice = await world.shop.create("TON", AMOUNT)
    await world.backend.event(invoice["id"], "waiting")

    async def die_meanwhile(_delivery: Delivery) -> int:
        await world.daemon.kill()
        return 204

    world.backend.answer = die_meanwhile
    await Case(world, WAYS[0], nothing).pay(invoice)
    first = await world.backend.event(invoice["id"], "paid")
    world.backend.answer = accept
    await world.daemon.start_ready()
    await world.backend.until(lambda: len(world.backend.of(invoice["id"])) == 3, LEASE_SECS)
    again = world.backend.of(invoice["id"])[-1]
    assert (again.event_id, again.raw) == (first.event_id, first.raw)
