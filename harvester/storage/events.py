"""Events and the deliveries they cause. Both are written with the change that caused them, and never rewritten."""

from collections.abc import Sequence
from typing import Final

from harvester.domain.events import Event
from harvester.storage.database import Connection

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


async def insert(connection: Connection, events: Sequence[Event]) -> None:
    """Store `events` with a delivery of each for each enabled endpoint that wants its type."""
    await connection.execute(
        INSERT,
        [event.id for event in events],
        [event.type.value for event in events],
        [event.invoice_id for event in events],
        [event.sequence for event in events],
        [event.cause for event in events],
        [event.created_at for event in events],
        [event.body for event in events],
    )
