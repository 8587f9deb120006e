"""Processes that deliver webhooks: killed, stopped, without a database, sharing the work."""

import asyncio
from functools import partial

import pytest
import structlog

from harvester.domain.events import EventType
from harvester.domain.webhooks import Message, Target
from harvester.services import delivery
from harvester.services.delivery import Delivery
from harvester.services.held import LEASE
from harvester.storage.database import Database
from tests.e2e.eventually import eventually
from tests.outbox import add_endpoint, add_invoice, rows
from tests.proxy import proxied
from tests.receiver import WAIT_SECS, answer, held, silent, slow
from tests.webhooks.rig import Rig, WallClock, events_of


async def test_a_killed_process_loses_nothing(rig: Rig) -> None:
    rig.receiver.script = [silent()]
    await rig.invoice()
    async with rig.running() as process:
        await rig.receiver.wait_for(1)
        process.cancel()  # it stores nothing on its way out, as after kill -9
    assert await rig.statuses() == ["pending"]
    async with rig.running():
        rig.pass_time(60)
        await rig.stored_count(1)
    assert rig.receiver.bodies[0] == rig.receiver.bodies[1]
    assert await rig.statuses() == ["delivered"]


async def test_stopping_lets_sends_in_flight_end_and_stores_them(rig: Rig) -> None:
    release = asyncio.Event()
    rig.receiver.behaviour = held(release)
    for _ in range(3):
        await rig.invoice()
    async with rig.running() as process:
        await rig.receiver.wait_for(3)
        asyncio.get_running_loop().call_later(0.05, release.set)
    assert process.done()
    assert await rig.statuses() == ["delivered"] * 3


async def test_stopping_waits_no_longer_than_the_timeout(rig: Rig) -> None:
    rig.timeout_secs = 1.0
    rig.receiver.behaviour = silent()
    await rig.invoice()
    started = asyncio.get_running_loop().time()
    async with rig.running():
        await rig.receiver.wait_for(1)
    assert asyncio.get_running_loop().time() - started < WAIT_SECS / 2
    assert await rig.statuses() == ["pending"]


async def test_a_database_that_goes_away_costs_time_and_nothing_else(rig: Rig) -> None:
    release = asyncio.Event()
    rig.receiver.behaviour = held(release)
    await rig.invoice()
    await rig.invoice()
    noticed = asyncio.Event()

    def notice(_logger: object, level: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if level == "warning":
            noticed.set()
        return event

    with structlog.testing.capture_logs([notice]) as logs:
        async with proxied(rig.database.uri) as proxy, Database.open(proxy.uri) as database, rig.running(database):
            await rig.receiver.wait_for(2)
            await proxy.cut()
            release.set()
            await rig.invoice()
            await asyncio.wait_for(noticed.wait(), WAIT_SECS)
            await proxy.restore()
            await rig.stored_count(3)
    assert await rig.statuses() == ["delivered"] * 3
    assert len(rig.receiver.received) == 3
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["the loop cannot go on for now"]


async def lasts(rig: Rig) -> bool:
    (row,) = await rows(rig.database, "SELECT leased_until FROM deliveries")
    return bool(row["leased_until"] == rig.clock() + LEASE)


async def test_what_takes_longer_than_a_lease_is_renewed_and_sent_once(rig: Rig) -> None:
    release = asyncio.Event()
    rig.receiver.behaviour = held(release)
    await rig.invoice()
    async with rig.running(), rig.running():
        await rig.receiver.wait_for(1)
        for _ in range(4):  # each time the lease has hardly a second left, and two processes look
            rig.pass_time(LEASE.total_seconds() - 1)
            await eventually(partial(lasts, rig), "the lease is renewed")
        release.set()
        await rig.stored_count(1)
    assert await rig.statuses() == ["delivered"]
    assert len(rig.receiver.received) == 1


async def test_what_a_dead_process_was_sending_is_sent_by_another_when_its_lease_is_over(rig: Rig) -> None:
    rig.receiver.script = [silent()]
    await rig.invoice()
    async with rig.running() as dying:
        await rig.receiver.wait_for(1)
        dying.cancel()
    async with rig.running():
        rig.pass_time(LEASE.total_seconds())
        await rig.stored_count(1)
    assert len(rig.receiver.received) == 2


async def test_what_it_leases_again_while_it_is_sending_it_is_not_sent_twice(rig: Rig) -> None:
    """Its lease ran out while the database was away, and who had taken it over is gone, too."""
    release = asyncio.Event()
    rig.receiver.behaviour = held(release)
    await rig.invoice()
    async with rig.running():
        await rig.receiver.wait_for(1)
        until = rig.clock() + LEASE / 2
        await rows(rig.database, "UPDATE deliveries SET leased_until = $1, due_at = $1", until)
        rig.pass_time(LEASE.total_seconds() / 2)
        await eventually(partial(lasts, rig), "it is leased again")
        release.set()
        await rig.stored_count(1)
    assert await rig.statuses() == ["delivered"]
    assert len(rig.receiver.received) == 1


async def test_a_programming_error_ends_the_process(rig: Rig) -> None:
    class Broken:
        async def send(self, target: Target, message: Message) -> delivery.Answer:
            raise RuntimeError(f"a bug with {target} {message}")

    await rig.invoice()
    service = Delivery(rig.database, Broken(), rig.signals, rig.clock, rig.metrics, 1.0)
    with pytest.raises(ExceptionGroup) as group:
        await asyncio.wait_for(service.run(asyncio.Event()), WAIT_SECS)
    assert group.group_contains(RuntimeError, match="a bug")


async def test_two_processes_share_the_work_and_keep_the_order(rig: Rig) -> None:
    rig.receiver.behaviour = slow(0.01)
    rig.clock = WallClock()
    kinds = [EventType.CREATED, EventType.PAID, EventType.CANCELLED, EventType.EXPIRED]
    invoice_ids = [await rig.invoice() for _ in range(40)]
    async with rig.running(), rig.running():
        for sequence, kind in enumerate(kinds[1:], start=2):
            for invoice_id in invoice_ids:
                await rig.event(invoice_id, sequence, kind)
        await rig.stored_count(160)
    received = events_of(rig.receiver)
    assert len(received) == 160
    for invoice_id in invoice_ids:
        statuses = [status for found, status in received if found == str(invoice_id)]
        assert statuses == ["created", "paid", "cancelled", "expired"]


async def test_without_a_hint_polling_finds_the_work(rig: Rig) -> None:
    async with rig.running():
        await add_invoice(rig.database, rig.clock())
        await rig.stored_count(1)


async def test_the_gauges_say_what_the_outbox_holds(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_GAUGES_SECS", 0)
    rig.receiver.script = [answer(410)]
    await add_endpoint(rig.database, "closed", "http://127.0.0.1:1/", enabled=False)
    async with rig.running():
        await rig.invoice()
        await rig.stored_count(1)
        await rows(rig.database, "UPDATE endpoints SET enabled = true WHERE name = 'closed'")
        await rig.invoice()
        await rig.stored_count(1)
    assert rig.metric("harvester_webhook_deliveries_dead") == 1
    assert rig.metric("harvester_webhook_deliveries_pending") == 1
    assert rig.metric("harvester_webhook_oldest_pending_timestamp_seconds") == pytest.approx(
        rig.clock().timestamp(), abs=1
    )
    assert rig.metric("harvester_webhook_deliveries_given_up_total") == 1
    assert rig.metric("harvester_webhook_delivery_delay_seconds_count") == 0
