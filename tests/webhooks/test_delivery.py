"""Webhooks end to end: a real database, a real receiver, and all that a receiver has ever done to one."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from harvester.domain.errors import InvalidInput, NotFound
from harvester.domain.events import EventType
from harvester.services.slots import Slots
from harvester.storage.deliveries import DeliveryStatus
from harvester.webhooks.schedule import MAX_ATTEMPTS
from tests.outbox import add_endpoint, rows
from tests.receiver import Behaviour, answer, held, receiving, redirect, reset, silent
from tests.webhooks.rig import SECRET, Rig, events_of


def for_invoice(invoice_id: UUID, behaviour: Behaviour, others: Behaviour) -> Behaviour:
    async def behave(request: web.Request) -> web.StreamResponse:
        chosen = behaviour if str(invoice_id).encode() in await request.read() else others
        return await chosen(request)

    return behave


async def test_an_event_arrives_signed_and_exactly_as_recorded(rig: Rig) -> None:
    await rig.invoice()
    async with rig.running():
        (request,) = await rig.receiver.wait_for(1)
        await rig.stored_count(1)
    (event,) = await rows(rig.database, "SELECT id, body FROM events")
    Webhook(SECRET).verify(request.body, request.headers)
    assert request.body.decode() == event["body"]
    assert request.headers["webhook-id"] == str(event["id"])
    assert await rig.statuses() == ["delivered"]


@pytest.mark.usefixtures("no_poll")
async def test_a_retry_sends_the_whole_body_again_under_the_same_id(rig: Rig) -> None:
    rig.receiver.script = [reset(), answer(500), answer(200)]
    async with rig.running():
        await rig.invoice()
        for delay_secs in (5, 300, 0):
            await rig.stored_count(1)
            rig.pass_time(delay_secs)
    (event,) = await rows(rig.database, "SELECT body FROM events")
    assert rig.receiver.bodies == [event["body"]] * 3
    assert len({request.headers["webhook-id"] for request in rig.receiver.received}) == 1
    times = [int(request.headers["webhook-timestamp"]) for request in rig.receiver.received]
    assert [later - times[0] for later in times] == [0, 5, 305]


@pytest.mark.parametrize(
    ("behaviour", "status_code", "error", "result"),
    [
        (answer(500, b"broken"), 500, None, "refused"),
        (redirect("http://127.0.0.1:1/"), 307, None, "refused"),
        (reset(), None, "the connection was closed before an answer", "failed"),
        (silent(), None, "no answer in time", "timeout"),
    ],
    ids=["500", "redirect", "reset", "silent"],
)
async def test_every_failure_is_stored_shown_counted_and_tried_again(
    rig: Rig, behaviour: Behaviour, status_code: int | None, error: str | None, result: str
) -> None:
    if result == "timeout":
        rig.timeout_secs = 2.0
    rig.receiver.script = [behaviour]
    async with rig.running():
        await rig.invoice()
        await rig.stored_count(1)
        (pending,) = await rig.outbox.page([DeliveryStatus.PENDING], 10)
        last = pending.last_attempt
        assert last is not None
        assert (last.status_code, last.error) == (status_code, error)
        assert pending.due_at == rig.clock() + timedelta(seconds=5)
        rig.pass_time(5)
        await rig.stored_count(1)
    (done,), attempts = await rig.outbox.page([DeliveryStatus.DELIVERED], 10), (await rig.outbox.show(pending.id))[1]
    assert done.attempts == 2
    assert [attempt.status_code for attempt in attempts] == [status_code, 200]
    assert rig.metric("harvester_webhook_attempts_total", result=result) == 1
    assert rig.metric("harvester_webhook_attempts_total", result="delivered") == 1


async def test_one_invoice_that_always_fails_blocks_no_other(rig: Rig) -> None:
    bad = await rig.invoice()
    await rig.event(bad, 2, EventType.EXPIRED)
    rig.receiver.behaviour = for_invoice(bad, answer(500), answer(200))
    good = [await rig.invoice() for _ in range(20)]
    async with rig.running():
        await rig.stored_count(21)
    received = events_of(rig.receiver)
    assert sorted(received) == sorted([(str(invoice_id), "created") for invoice_id in [bad, *good]])
    assert await rig.statuses() == ["pending"] * 2 + ["delivered"] * 20


@pytest.mark.usefixtures("no_poll")
async def test_a_payment_during_a_slow_delivery_is_told_next_and_at_once(rig: Rig) -> None:
    release = asyncio.Event()
    rig.receiver.script = [held(release)]
    async with rig.running():
        invoice_id = await rig.invoice()
        await rig.receiver.wait_for(1)
        await rig.event(invoice_id, 2, EventType.PAID)
        other = await rig.invoice()
        await rig.receiver.wait_for(2)
        release.set()
        await rig.receiver.wait_for(3)
        await rig.stored_count(3)
    assert events_of(rig.receiver) == [(str(invoice_id), "created"), (str(other), "created"), (str(invoice_id), "paid")]
    assert await rig.statuses() == ["delivered"] * 3


@pytest.mark.usefixtures("no_poll")
async def test_after_an_outage_each_event_comes_once_and_in_order(rig: Rig) -> None:
    rig.receiver.script = [reset(), reset(), reset()]
    async with rig.running():
        invoice_id = await rig.invoice()
        await rig.stored_count(1)
        await rig.event(invoice_id, 2, EventType.CANCELLED)
        for delay_secs in (5, 300, 1800):
            rig.pass_time(delay_secs)
            await rig.stored_count(1)
        await rig.stored_count(1)
    accepted = events_of(rig.receiver)[3:]
    assert accepted == [(str(invoice_id), "created"), (str(invoice_id), "cancelled")]
    assert await rig.statuses() == ["delivered"] * 2


@pytest.mark.usefixtures("no_poll")
async def test_a_receiver_down_for_the_whole_schedule_leaves_a_dead_delivery_that_can_be_resent(rig: Rig) -> None:
    rig.receiver.behaviour = reset()
    started_at = rig.clock()
    async with rig.running():
        invoice_id = await rig.invoice()
        await rig.event(invoice_id, 2, EventType.EXPIRED)
        delivery_id, attempt = await rig.stored.next()
        while attempt < MAX_ATTEMPTS:
            (row,) = await rows(rig.database, "SELECT due_at FROM deliveries WHERE id = $1", delivery_id)
            rig.pass_time((row["due_at"] - rig.clock()).total_seconds())
            assert await rig.stored.next() == (delivery_id, attempt + 1)
            attempt += 1
        assert rig.clock() - started_at > timedelta(days=3)
        await rig.stored.next()  # the next event of the invoice has its turn

        (dead,) = await rig.outbox.page([DeliveryStatus.DEAD], 10)
        assert (dead.id, dead.attempts, dead.invoice_id) == (delivery_id, MAX_ATTEMPTS, invoice_id)
        rig.receiver.behaviour = answer(200)
        (resent,) = await rig.outbox.resend(delivery_id)
        assert resent.was is DeliveryStatus.DEAD
        assert await rig.stored.next() == (delivery_id, MAX_ATTEMPTS + 1)
        await rig.stored.next()
    assert await rig.statuses() == ["delivered"] * 2
    assert events_of(rig.receiver)[-2:] == [(str(invoice_id), "created"), (str(invoice_id), "expired")]


async def test_what_was_delivered_can_be_sent_again_by_its_event(rig: Rig) -> None:
    await rig.invoice()
    async with rig.running():
        await rig.stored_count(1)
        (record,) = await rig.outbox.page([DeliveryStatus.DELIVERED], 1)
        await rig.outbox.resend(record.event_id)
        await rig.stored_count(1)
    first, second = rig.receiver.received
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])


async def test_what_is_not_there_is_not_found(rig: Rig) -> None:
    with pytest.raises(NotFound, match="no delivery 7"):
        await rig.outbox.resend(7)
    with pytest.raises(NotFound, match="no delivery of event 0"):
        await rig.outbox.resend(UUID(int=0))
    with pytest.raises(NotFound, match="no delivery 7"):
        await rig.outbox.show(7)
    refused: list[Callable[[], object]] = [
        lambda: rig.outbox.resend(2**63),
        lambda: rig.outbox.show(0),
        lambda: rig.outbox.page([DeliveryStatus.DEAD], 0),
        lambda: rig.outbox.page([DeliveryStatus.DEAD], 1, 2**63),
    ]
    for call in refused:
        with pytest.raises(InvalidInput, match="from 1 to"):
            await call()  # type: ignore[misc]  # each is a coroutine


async def test_an_endpoint_that_is_gone_is_sent_nothing_more(rig: Rig) -> None:
    rig.receiver.behaviour = answer(410)
    async with rig.running():
        await rig.invoice()
        await rig.stored_count(1)
        await rig.invoice()
        rig.pass_time(3600)
    assert len(rig.receiver.received) == 1
    assert await rig.statuses() == ["dead"], "for a disabled endpoint nothing is recorded"
    assert [row["enabled"] for row in await rows(rig.database, "SELECT enabled FROM endpoints")] == [False]


@pytest.mark.usefixtures("no_poll")
async def test_an_endpoint_that_asks_for_time_gets_it(rig: Rig) -> None:
    rig.receiver.script = [answer(429, Retry_After="50")]
    async with rig.running():
        await rig.invoice()
        await rig.stored_count(1)
        await rig.invoice()
        rig.pass_time(49)
        (row,) = await rows(rig.database, "SELECT max(attempts) AS most FROM deliveries")
        assert row["most"] == 1
        rig.pass_time(1)
        await rig.stored_count(1)
        rig.pass_time(10)
        await rig.stored_count(1)
    assert [second for _, second in events_of(rig.receiver)] == ["created"] * 3
    times = [int(request.headers["webhook-timestamp"]) for request in rig.receiver.received]
    assert [later - times[0] for later in times] == [0, 50, 60]


async def test_an_endpoint_that_hangs_delays_only_itself(rig: Rig) -> None:
    rig.slots = Slots(in_all=4, per_endpoint=2)
    async with receiving() as hanging:
        release = asyncio.Event()
        hanging.behaviour = held(release)
        await add_endpoint(rig.database, "hanging", hanging.url)
        for _ in range(30):
            await rig.invoice()
        async with rig.running():
            await rig.receiver.wait_for(30)
            assert len(hanging.received) == 2
            release.set()
            await rig.stored_count(60)
    assert await rig.statuses() == ["delivered"] * 60
    assert hanging.most_in_flight == 2
