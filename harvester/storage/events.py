"""Events and the deliveries they cause. Both are written with the change that caused them, and never rewritten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from harvester.domain.events import Event
from harvester.storage.database import Connection
from harvester.storage.idempotency import Record, execute_keeping, keeping

# Deliveries wait for the earlier ones of their invoice; an event about a payment has no place among those.
INSERT: Final = """
WITH event AS (
    INSERT INTO events (id, type, invoice_id, sequence, cause, created_at, body)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::integer[], $5::text[], $6::timestamptz[], $7::json[])
    RETURNING id, type, invoice_id, sequence, created_at
)
INSERT INTO deliveries (endpoint_id, event_id, invoice_id, sequence, status, due_at, created_at)
SELECT endpoints.id, event.id, CASE WHEN event.sequence IS NOT NULL THEN event.invoice_id END, event.sequence,
       'pending', event.created_at, event.created_at
FROM event JOIN endpoints ON endpoints.enabled AND event.type = ANY (endpoints.event_types)
ORDER BY event.invoice_id, event.sequence
"""
INSERT_KEEPING: Final = keeping(INSERT, 7)
SELECT_OF_INVOICE: Final = """
SELECT sequence, type, cause, created_at FROM events
WHERE invoice_id = $1 AND sequence IS NOT NULL ORDER BY sequence
"""


@dataclass(frozen=True, slots=True)
class Change:
    """An invoice's coming into a state."""

    sequence: int
    type: str
    cause: str
    """Who or what caused it, as in an event."""
    created_at: datetime


async def insert(connection: Connection, events: Sequence[Event], record: Record | None = None) -> None:
    """Store `events` with a delivery of each for each enabled endpoint that wants its type, and the record.

    Raises:
        KeyTaken: what is recorded has been done; the transaction must be undone.
    """
    values = (
        [event.id for event in events],
        [event.type.value for event in events],
        [event.invoice_id for event in events],
        [event.sequence for event in events],
        [event.cause for event in events],
        [event.created_at for event in events],
        [event.body for event in events],
    )
    if record is None:
        await connection.execute(INSERT, *values)
    else:
        await execute_keeping(connection, INSERT_KEEPING, values, record)


async def of_invoice(connection: Connection, invoice_id: UUID) -> Sequence[Change]:
    """Return the states that the invoice has come into, in order."""
    return [Change(**row) for row in await connection.fetch(SELECT_OF_INVOICE, invoice_id)]
