"""Webhooks end to end: a real database, a real receiver, and all that a receiver has ever done to one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from standardwebhooks import Webhook

from harvester.domain.errors import InvalidInput, NotFound
from harvester.domain.events import EventType
from harvester.domain.webhooks import Message, Target
from harvester.metrics import Metrics
from harvester.services import delivery
from harvester.services.delivery import Delivery
from harvester.services.held import LEASE
from harvester.services.outbox import Outbox
from harvester.services.slots import Slots
from harvester.storage.database import Database
from harvester.storage.deliveries import DeliveryStatus
from harvester.storage.endpoints import ENVIRONMENT, ensure_environment_endpoint
from harvester.storage.signals import Signals
from harvester.webhooks.client import WebhookClient
from harvester.webhooks.schedule import MAX_ATTEMPTS
from harvester.webhooks.signing import Secret
from tests.clock import ManualClock
from tests.e2e.eventually import eventually
from tests.outbox import StoredAttempts, add_endpoint, add_event, add_invoice, rows, stored_attempts
from tests.proxy import proxied
from tests.receiver import (
    WAIT_SECS,
    Behaviour,
    Receiver,
    answer,
    held,
    receiving,
    redirect,
    reset,
    silent,
    slow,
)

SECRET = "whsec_" + "S" * 32


class WallClock(ManualClock):
    """The time of day."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Rig:
    """A daemon's delivery, and the world around it."""

    database: Database
    receiver: Receiver
    stored: StoredAttempts
    clock: ManualClock = field(default_factory=lambda: ManualClock(datetime.now(UTC)))
    timeout_secs: float = 20.0
    slots: Slots | None = None

    def __post_init__(self) -> None:
        self.signals = Signals(self.database)
        self.metrics = Metrics(CollectorRegistry(), "test")
        self.outbox = Outbox(self.database, self.signals, self.clock)

    @asynccontextmanager
    async def running(self, database: Database | None = None) -> AsyncIterator[asyncio.Task[None]]:
        """Deliver for the length of the block, then stop as SIGTERM does."""
        stop = asyncio.Event()
        secrets = {ENVIRONMENT: [Secret(SECRET)]}
        async with WebhookClient.open(secrets, self.clock, "test", self.timeout_secs) as client:
            service = Delivery(
                database or self.database,
                client,
                self.signals,
                self.clock,
                self.metrics,
                self.timeout_secs,
                self.slots,
                randomness=lambda: 0.5,
            )
            task = asyncio.create_task(service.run(stop), name="delivery")
            try:
                yield task
            finally:
                stop.set()
                async with asyncio.timeout(WAIT_SECS):
                    await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    async def invoice(self) -> UUID:
        invoice_id = await add_invoice(self.database, self.clock())
        self.signals.publish("deliveries")
        return invoice_id

    async def event(self, invoice_id: UUID, sequence: int, kind: EventType) -> UUID:
        event_id = await add_event(self.database, invoice_id, sequence, kind, self.clock())
        self.signals.publish("deliveries")
        return event_id

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.signals.publish("deliveries")

    async def stored_count(self, count: int) -> None:
        for _ in range(count):
            await self.stored.next()

    async def statuses(self) -> list[str]:
        return [row["status"] for row in await rows(self.database, "SELECT status FROM deliveries ORDER BY id")]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    """One endpoint, that of the environment, and an answering receiver behind it."""
    async with receiving() as receiver, stored_attempts(database) as stored:
        async with database.connection() as connection:
            await ensure_environment_endpoint(connection, receiver.url, datetime.now(UTC))
        yield Rig(database, receiver, stored)


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing happen because of the clock on the wall: what happens, happens at once."""
    monkeypatch.setattr(delivery, "_POLL_SECS", 10 * WAIT_SECS)


def events_of(receiver: Receiver) -> list[tuple[str, str]]:
    """Return (invoice id, status) of what was received, in order."""
    return [(body["id"], body["status"]) for body in map(json.loads, receiver.bodies)]


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
    rig.timeout_secs = 0.2
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
