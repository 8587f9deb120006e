"""A daemon's delivery on a real database, with a real receiver, and a clock that tests move."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from prometheus_client import CollectorRegistry

from harvester.domain.events import EventType
from harvester.metrics import Metrics
from harvester.services.delivery import Delivery
from harvester.services.outbox import Outbox
from harvester.services.slots import Slots
from harvester.storage.database import Database
from harvester.storage.endpoints import ENVIRONMENT, ensure_environment_endpoint
from harvester.storage.signals import Signals
from harvester.webhooks.client import WebhookClient
from harvester.webhooks.signing import Secret
from tests.clock import ManualClock
from tests.outbox import StoredAttempts, add_event, add_invoice, rows, stored_attempts
from tests.receiver import WAIT_SECS, Receiver, receiving

SECRET = "whsec_" + "S" * 32


@asynccontextmanager
async def open_rig(database: Database) -> AsyncIterator["Rig"]:
    """Yield a delivery with one endpoint, that of the environment, and an answering receiver behind it."""
    async with receiving() as receiver, stored_attempts(database) as stored:
        async with database.connection() as connection:
            await ensure_environment_endpoint(connection, receiver.url, datetime.now(UTC))
        yield Rig(database, receiver, stored)


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


def events_of(receiver: Receiver) -> list[tuple[str, str]]:
    """Return (invoice id, status) of what was received, in order."""
    return [(body["id"], body["status"]) for body in map(json.loads, receiver.bodies)]
