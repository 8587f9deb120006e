"""SIGTERM in the middle of everything: what was begun is finished, what was answered holds, nothing is told twice."""

import asyncio
import contextlib
import json
import time
from typing import Any

import aiohttp
import pytest

from tests.e2e.backend import Delivery
from tests.e2e.chain import payment_of
from tests.e2e.conftest import World

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]

AMOUNT = 5_000_000
SHOPS = 6
PATIENCE_SECS = 25.0
"""The grace that the daemon gives its loops."""


async def order_until_it_is_gone(world: World, answered: list[dict[str, Any]]) -> None:
    """Create one invoice after the other, as a busy shop does, until nobody answers any more."""
    with contextlib.suppress(aiohttp.ClientError):
        while True:
            answered.append(await world.shop.create("TON", AMOUNT))


async def test_a_stop_under_load_loses_nothing_and_repeats_nothing(world: World) -> None:
    async def take_a_while(_delivery: Delivery) -> int:
        await asyncio.sleep(0.2)
        return 204

    world.backend.answer = take_a_while
    invoices = [await world.shop.create("TON", AMOUNT) for _ in range(40)]
    answered: list[dict[str, Any]] = []
    async with asyncio.TaskGroup() as shops:
        for _ in range(SHOPS):
            shops.create_task(order_until_it_is_gone(world, answered))
        await world.chain.burst([payment_of(invoice) for invoice in invoices], per_block=10)
        await world.backend.until(lambda: any(delivery.status == "paid" for delivery in world.backend.deliveries))
        assert len(answered) > SHOPS
        started = time.monotonic()
        assert await world.daemon.stop() == 0
        assert time.monotonic() - started < PATIENCE_SECS
    lines = [json.loads(line) for line in world.daemon.log.splitlines()]
    assert lines[-1]["message"] == "stopped"
    assert [line for line in lines if line["level"] in {"error", "critical"}] == []

    await world.daemon.start_ready()
    for invoice in answered:
        await world.backend.event(invoice["id"], "waiting")
        assert (await world.shop.get(invoice["id"]))["status"] == "waiting"
    for invoice in invoices:
        await world.backend.event(invoice["id"], "paid")
        assert world.backend.statuses(invoice["id"]) == ["waiting", "paid"]
    events = [delivery.event_id for delivery in world.backend.deliveries]
    assert len(events) == len(set(events))
