"""Leases and outcomes as the sender has them, one at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from harvester.domain.events import EventType
from harvester.storage import deliveries
from harvester.storage.database import Database
from harvester.storage.deliveries import Attempt, DeliveryStatus, Due, Outcome, Room
from tests.clock import ManualClock
from tests.outbox import add_event, add_invoice

ROOMY = Room(1000, {}, 1000)
LEASE = timedelta(seconds=30)
NOW = ManualClock().now
URL = "http://127.0.0.1/hook"


async def claim(database: Database, now: datetime = NOW, room: Room = ROOMY) -> Sequence[Due]:
    async with database.connection() as connection:
        claimed, _ = await deliveries.claim(connection, now, now + LEASE, room)
    return claimed


async def store(
    database: Database,
    due: Due,
    status: DeliveryStatus = DeliveryStatus.DELIVERED,
    retry_at: datetime | None = None,
    *,
    gone: bool = False,
    now: datetime = NOW,
) -> bool:
    attempt = Attempt(now, 12, 200 if status is DeliveryStatus.DELIVERED else 500, None, "head")
    async with database.connection() as connection:
        stored = await deliveries.store_outcomes(connection, [Outcome(due, attempt, status, retry_at, gone)], now)
    return due.id in stored


async def two_events(database: Database) -> UUID:
    """An invoice that was made and then paid, and nothing of it told yet."""
    invoice_id = await add_invoice(database, NOW)
    await add_event(database, invoice_id, 2, EventType.PAID, NOW)
    return invoice_id
