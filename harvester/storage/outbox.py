"""The outbox as the operator sees it: lists, one delivery with its attempts, and sending again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from harvester.storage.database import Connection
from harvester.storage.deliveries import Attempt, DeliveryStatus

MAX_DELIVERY_ID: Final = 2**63 - 1

_COLUMNS: Final = """deliveries.id, deliveries.status, endpoints.name AS endpoint,
       endpoints.enabled AS endpoint_enabled, deliveries.event_id, events.type AS event_type,
       events.invoice_id, events.sequence, deliveries.attempts, deliveries.due_at, deliveries.created_at,
       deliveries.finished_at, last.attempted_at, last.duration_ms, last.status_code, last.error, last.response_head"""
_DETAILS: Final = """
JOIN events ON events.id = deliveries.event_id
LEFT JOIN delivery_attempts AS last ON last.delivery_id = deliveries.id AND last.attempt = deliveries.attempts
"""
# Merged from what an index has in order: the newest of each endpoint and state. With `=` instead of the ranges, the
# planner may walk through all deliveries by id, hoping to meet enough of them soon.
SELECT_PAGE: Final = f"""
WITH deliveries AS MATERIALIZED (
    SELECT newest.* FROM endpoints CROSS JOIN unnest($1::text[]) AS wanted CROSS JOIN LATERAL (
        SELECT * FROM deliveries
        WHERE (endpoint_id, status) >= (endpoints.id, wanted) AND (endpoint_id, status, id) < (endpoints.id, wanted, $3)
        ORDER BY endpoint_id DESC, status DESC, id DESC LIMIT $2
    ) AS newest
    WHERE $4::uuid IS NULL OR endpoints.id = $4
    ORDER BY newest.id DESC LIMIT $2
)
SELECT {_COLUMNS}
FROM deliveries JOIN endpoints ON endpoints.id = deliveries.endpoint_id {_DETAILS}
ORDER BY deliveries.id DESC
"""
SELECT_ONE: Final = f"""
SELECT {_COLUMNS}
FROM deliveries JOIN endpoints ON endpoints.id = deliveries.endpoint_id {_DETAILS}
WHERE deliveries.id = $1
"""
SELECT_ATTEMPTS: Final = """
SELECT attempted_at, duration_ms, status_code, error, response_head
FROM delivery_attempts WHERE delivery_id = $1 ORDER BY attempt
"""
# What is in flight stays as it is. Whatever else becomes due; what was finished begins its schedule anew.
RESEND: Final = """
WITH found AS MATERIALIZED (
    SELECT deliveries.id, deliveries.status, deliveries.leased_until, endpoints.name, endpoints.enabled
    FROM deliveries JOIN endpoints ON endpoints.id = deliveries.endpoint_id
    WHERE (deliveries.id = $1::bigint OR deliveries.event_id = $2::uuid) AND endpoints.removed_at IS NULL
    FOR UPDATE OF deliveries
), resent AS (
    UPDATE deliveries SET
        status = 'pending', due_at = $3, leased_until = NULL, finished_at = NULL,
        schedule_start = CASE WHEN found.status = 'pending' THEN schedule_start ELSE attempts END
    FROM found
    WHERE deliveries.id = found.id AND (found.leased_until IS NULL OR found.leased_until <= $3)
)
SELECT id AS delivery_id, name AS endpoint, enabled AS endpoint_enabled, status AS was FROM found ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A delivery as it is listed."""

    id: int
    status: DeliveryStatus
    endpoint: str
    """The endpoint's name."""
    endpoint_enabled: bool
    """If not, a pending delivery waits until it is."""
    event_id: UUID
    event_type: str
    invoice_id: UUID | None
    """None: the event is about a payment that counts for no invoice."""
    sequence: int | None
    """Number of the event among its invoice's."""
    attempts: int
    due_at: datetime
    """When a pending one is looked at next."""
    created_at: datetime
    finished_at: datetime | None
    last_attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class Resent:
    """A delivery that was asked for again: it is pending now, and due or in flight."""

    delivery_id: int
    endpoint: str
    endpoint_enabled: bool
    """If not, it waits until it is."""
    was: DeliveryStatus
    """State before; if it was pending, its next attempt was only brought forward."""


async def page(
    connection: Connection,
    statuses: Collection[DeliveryStatus],
    limit: int,
    before: int | None,
    endpoint_id: UUID | None = None,
) -> Sequence[DeliveryRecord]:
    """Return at most `limit` deliveries in these states, newest first: those before id `before` if it is given.

    `endpoint_id`: only those of this endpoint.
    """
    wanted = [status.value for status in statuses]
    rows = await connection.fetch(SELECT_PAGE, wanted, limit, before or MAX_DELIVERY_ID, endpoint_id)
    return [_from_row(row) for row in rows]


async def get(connection: Connection, delivery_id: int) -> DeliveryRecord | None:
    """Return the delivery, or None."""
    row = await connection.fetchrow(SELECT_ONE, delivery_id)
    return _from_row(row) if row else None


async def attempts(connection: Connection, delivery_id: int) -> Sequence[Attempt]:
    """Return the attempts of a delivery, oldest first."""
    return [Attempt(**row) for row in await connection.fetch(SELECT_ATTEMPTS, delivery_id)]


async def resend(connection: Connection, delivery_or_event_id: int | UUID, now: datetime) -> Sequence[Resent]:
    """Make a delivery, or all of an event, due now, whatever became of them before; none if there is no such thing.

    Those of endpoints that have been removed are none.
    One of them that is in flight is left alone, so asking twice sends once. The order within the invoice is kept.
    """
    by_event = isinstance(delivery_or_event_id, UUID)
    ids = (None, delivery_or_event_id) if by_event else (delivery_or_event_id, None)
    rows = await connection.fetch(RESEND, *ids, now)
    return [
        Resent(row["delivery_id"], row["endpoint"], row["endpoint_enabled"], DeliveryStatus(row["was"])) for row in rows
    ]


def _from_row(row: asyncpg.Record) -> DeliveryRecord:
    columns = dict(row)
    last = {field.name: columns.pop(field.name) for field in fields(Attempt)}
    columns["status"] = DeliveryStatus(columns["status"])
    return DeliveryRecord(**columns, last_attempt=Attempt(**last) if last["attempted_at"] else None)
