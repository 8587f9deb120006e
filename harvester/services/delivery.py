"""Delivery of webhooks: leases what is due, sends it, stores what came of it. Any number of processes may do so.

One task leases and stores, in batches; each send is a task of its own. Before anything more is leased, what came of
the last sends is stored: while the database is away, nothing is sent that could not be remembered.
"""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from harvester.chain import UNHEARD, Clock, Pulse
from harvester.domain.errors import Unavailable
from harvester.domain.webhooks import Message, Target
from harvester.metrics import Metrics
from harvester.services.delivery_log import DeliveryLog
from harvester.services.held import LEASE, Held
from harvester.services.outage import Outage
from harvester.services.slots import Slots
from harvester.storage import backlog, deliveries
from harvester.storage.database import Database
from harvester.storage.deliveries import Attempt, DeliveryStatus, Due, Outcome
from harvester.storage.signals import Signals

LOOP: Final = "deliveries"
_POLL_SECS: Final = 1.0
_GAUGES_SECS: Final = 5.0
_GIVE_UP_AT_MOST: Final = 1000
_STORE_SECS: Final = 10.0
"""How long a stop waits for outcomes to be stored; what is not stored is sent again."""

_log = structlog.get_logger(__name__)


class Answer(Protocol):
    """What came of one attempt."""

    @property
    def attempted_at(self) -> datetime: ...
    @property
    def duration_ms(self) -> int: ...
    @property
    def status_code(self) -> int | None: ...
    @property
    def error(self) -> str | None: ...
    @property
    def head(self) -> str | None: ...
    @property
    def retry_after_secs(self) -> float | None: ...
    @property
    def delivered(self) -> bool:
        """Whether the endpoint took it."""

    @property
    def gone(self) -> bool:
        """Whether the endpoint wants no more deliveries at all."""

    @property
    def overloaded(self) -> bool:
        """Whether the endpoint should be sent less at once."""

    @property
    def result(self) -> str:
        """One of `ATTEMPT_RESULTS`."""

    def retry_delay(self, attempt: int, randomness: float) -> float | None:
        """Return how many seconds after this failure of the `attempt` (from 1) to try again; None: never."""


class Sender(Protocol):
    """Sends webhooks."""

    async def send(self, target: Target, message: Message) -> Answer:
        """Make one attempt, which ends within the sender's timeout. Raises nothing that the endpoint does."""


class Delivery:
    """Sends what the outbox holds, concurrently, in order within one endpoint and invoice, at least once."""

    def __init__(
        self,
        database: Database,
        sender: Sender,
        signals: Signals,
        clock: Clock,
        metrics: Metrics,
        timeout_secs: float,
        slots: Slots | None = None,
        randomness: Callable[[], float] = random.random,
    ) -> None:
        """Build it; `timeout_secs` is the sender's, and bounds how long stopping takes."""
        self._database = database
        self._sender = sender
        self._clock = clock
        self._metrics = metrics
        self._timeout_secs = timeout_secs
        self._slots = slots or Slots()
        self._randomness = randomness
        self._hint = signals.subscribe("deliveries")
        self._outage = Outage(LOOP)
        self._told = DeliveryLog()
        self._unstored: list[Outcome] = []
        self._held = Held()
        self._gauges_at = 0.0
        self._pulse = UNHEARD

    async def run(self, stop: asyncio.Event, pulse: Pulse = UNHEARD) -> None:
        """Deliver until `stop`; then let sends in flight end, store what came of them, and return.

        A database that is away is waited for. A programming error ends it.
        """
        self._pulse = pulse
        async with asyncio.TaskGroup() as group:
            waker = group.create_task(self._wake_at(stop), name="deliveries: stop")
            while not stop.is_set():
                await self._hint.wait(await self._turn(group))
            await self._finish()
            waker.cancel()

    def trouble(self) -> str | None:
        """Say what keeps it from going on; None: nothing."""
        return self._outage.trouble

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._hint.set()

    async def _turn(self, group: asyncio.TaskGroup) -> float:
        """Store, lease and start what can be; return after how many seconds to look again if nothing happens."""
        self._pulse.beat()
        try:
            await self._store()
            await self._held.renew(self._database, self._clock())
            self._pulse.beat()
            wait_secs = await self._claim(group)
            await self._look_around()
        except Unavailable as error:
            return self._outage.retry_secs(error)
        self._outage.over()
        self._pulse.success()
        return wait_secs

    async def _claim(self, group: asyncio.TaskGroup) -> float:
        now = self._clock()
        room = self._slots.room(now)
        async with self._database.connection() as connection:
            claimed, looked_at = await deliveries.claim(connection, now, now + LEASE, room)
            due_at = None if looked_at else await deliveries.next_due(connection, now)
        for due in self._held.take(claimed):
            self._slots.take(due.endpoint_id)
            group.create_task(self._send(due), name=f"deliveries: send {due.id}")
        if looked_at:
            return 0.0
        return _POLL_SECS if due_at is None else min(_POLL_SECS, (due_at - now).total_seconds())

    async def _send(self, due: Due) -> None:
        answer = await self._sender.send(due.target, due.message)
        now = self._clock()
        self._slots.give_back(due.endpoint_id, strained=answer.overloaded)
        if answer.overloaded and answer.retry_after_secs:
            self._slots.pause(due.endpoint_id, now, answer.retry_after_secs)
        self._metrics.webhook_attempts.labels(answer.result).inc()
        if answer.delivered:
            self._metrics.delivery_delay.observe(max(0.0, (now - due.event_created_at).total_seconds()))
        self._unstored.append(_judge(due, answer, now, self._randomness()))
        self._hint.set()

    async def _store(self) -> None:
        outcomes = self._held.as_leased(self._unstored)
        if not outcomes:
            return
        async with self._database.connection() as connection:
            stored = await deliveries.store_outcomes(connection, outcomes, self._clock())
        del self._unstored[: len(outcomes)]
        self._held.let_go(outcomes)
        given_up = [each for each in outcomes if each.status is DeliveryStatus.DEAD and each.due.id in stored]
        self._metrics.deliveries_given_up.inc(len(given_up))
        for outcome in outcomes:
            self._told.report(outcome, outcome.due.id in stored)

    async def _look_around(self) -> None:
        if time.monotonic() < self._gauges_at:
            return
        async with self._database.connection() as connection:
            given_up = await backlog.give_up_removed(connection, self._clock(), _GIVE_UP_AT_MOST)
            waiting = await backlog.read(connection)
        if given_up:
            _log.warning("deliveries for endpoints that were removed are given up", count=given_up)
        self._metrics.deliveries_pending.set(waiting.pending)
        self._metrics.deliveries_oldest.set(waiting.oldest.timestamp() if waiting.oldest else 0)
        self._metrics.deliveries_dead.set(waiting.dead)
        self._metrics.endpoints_disabled.set(waiting.endpoints_disabled)
        self._gauges_at = time.monotonic() + _GAUGES_SECS

    async def _finish(self) -> None:
        give_up_at = time.monotonic() + self._timeout_secs + _STORE_SECS
        while (self._slots.busy or self._unstored) and time.monotonic() < give_up_at:
            self._pulse.beat()
            try:
                await self._store()
                await self._held.renew(self._database, self._clock())
                wait_secs = _POLL_SECS if self._slots.busy else 0.0
            except Unavailable as error:
                wait_secs = self._outage.retry_secs(error)
            await self._hint.wait(wait_secs)
        if self._unstored:
            _log.warning("stopped before the database took some outcomes: sent again later", count=len(self._unstored))


def _judge(due: Due, answer: Answer, now: datetime, randomness: float) -> Outcome:
    attempt = Attempt(answer.attempted_at, answer.duration_ms, answer.status_code, answer.error, answer.head)
    if answer.delivered:
        return Outcome(due, attempt, DeliveryStatus.DELIVERED, None, endpoint_is_gone=False)
    delay_secs = answer.retry_delay(due.tried + 1, randomness)
    if delay_secs is None:
        return Outcome(due, attempt, DeliveryStatus.DEAD, None, endpoint_is_gone=answer.gone)
    return Outcome(due, attempt, DeliveryStatus.PENDING, now + timedelta(seconds=delay_secs), endpoint_is_gone=False)
