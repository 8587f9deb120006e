"""The outbox as the sender sees it: what is due is leased in batches, and what came of it is stored in batches.

Of the deliveries of one endpoint and invoice at most one is in flight, and it is the earliest that is pending.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import asyncpg

from harvester.domain.webhooks import Message, Target
from harvester.storage.database import Connection
from harvester.storage.endpoints import GONE

# `open`: the endpoints that may be sent to, with how much; in random order, so that none is always served last.
# `judged`: what waits for an earlier delivery of its invoice is put off: until that is due, or for a moment while it is
# due or in flight. Its outcome makes this one due at once; the moment is what it costs if that was not seen here. So
# each look reads only what is due, however much waits.
CLAIM: Final = """
WITH open AS MATERIALIZED (
    SELECT endpoints.id, endpoints.name, endpoints.url, endpoints.local, coalesce(known.room, $5::integer) AS room,
           array_remove(ARRAY[secret, CASE WHEN old_secret_until > $1 THEN old_secret END], NULL) AS secrets
    FROM endpoints LEFT JOIN unnest($3::uuid[], $4::integer[]) AS known (id, room) ON known.id = endpoints.id
    WHERE endpoints.enabled AND coalesce(known.room, $5) > 0
    ORDER BY random()
), due AS MATERIALIZED (
    SELECT found.id, found.endpoint_id, found.invoice_id, found.sequence
    FROM open CROSS JOIN LATERAL (
        SELECT id, endpoint_id, invoice_id, sequence FROM deliveries
        WHERE endpoint_id = open.id AND status = 'pending' AND due_at <= $1
        ORDER BY due_at, id LIMIT open.room
        FOR UPDATE SKIP LOCKED
    ) AS found
    LIMIT $6
), judged AS MATERIALIZED (
    SELECT due.id,
           CASE WHEN blocker.until IS NULL THEN $2 ELSE greatest(blocker.until, $1 + interval '0.2 s') END AS due_at,
           CASE WHEN blocker.until IS NULL THEN $2 END AS leased_until
    FROM due LEFT JOIN LATERAL (
        SELECT CASE WHEN leased_until > $1 THEN $1 ELSE due_at END AS until FROM deliveries
        WHERE endpoint_id = due.endpoint_id AND invoice_id = due.invoice_id AND status = 'pending' AND id <> due.id
          AND (sequence < due.sequence OR leased_until > $1)
        ORDER BY sequence LIMIT 1
    ) AS blocker ON true
), leased AS (
    UPDATE deliveries SET (due_at, leased_until) =
        (SELECT judged.due_at, judged.leased_until FROM judged WHERE judged.id = deliveries.id)
    WHERE id = ANY (ARRAY(SELECT id FROM due))
    RETURNING id, endpoint_id, event_id, leased_until, attempts - schedule_start AS tried
)
SELECT leased.id, leased.leased_until, leased.tried, open.id AS endpoint_id, open.name, open.url, open.local,
       open.secrets, events.id AS event_id, events.type, events.invoice_id, events.sequence,
       events.created_at AS event_created_at, events.body
FROM leased JOIN open ON open.id = leased.endpoint_id
LEFT JOIN events ON events.id = leased.event_id AND leased.leased_until IS NOT NULL
ORDER BY leased.id
"""
# Guarded by the lease: what another process has taken over since is left alone. The next delivery of the invoice goes
# at once, or waits for the retry.
STORE_OUTCOMES: Final = f"""
WITH outcome AS MATERIALIZED (
    SELECT * FROM unnest(
        $2::bigint[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::boolean[],
        $7::timestamptz[], $8::integer[], $9::smallint[], $10::text[], $11::text[]
    ) AS given (id, leased_until, status, due_at, gone, attempted_at, duration_ms, status_code, error, response_head)
), changed AS (
    UPDATE deliveries SET
        status = outcome.status, attempts = attempts + 1, due_at = coalesce(outcome.due_at, $1), leased_until = NULL,
        finished_at = CASE WHEN outcome.status <> 'pending' THEN $1 END
    FROM outcome
    WHERE deliveries.id = outcome.id AND deliveries.leased_until = outcome.leased_until
    RETURNING deliveries.id, endpoint_id, invoice_id, sequence, attempts, deliveries.due_at
), recorded AS (
    INSERT INTO delivery_attempts (
        delivery_id, attempt, attempted_at, duration_ms, status_code, error, response_head
    )
    SELECT id, changed.attempts, attempted_at, duration_ms, status_code, error, response_head
    FROM changed JOIN outcome USING (id)
), followers AS (
    UPDATE deliveries SET due_at = changed.due_at
    FROM changed
    WHERE deliveries.endpoint_id = changed.endpoint_id AND deliveries.invoice_id = changed.invoice_id
      AND deliveries.status = 'pending' AND deliveries.sequence > changed.sequence
      AND deliveries.leased_until IS NULL
), disabled AS (
    UPDATE endpoints SET enabled = false, disabled_reason = '{GONE}', updated_at = $1
    WHERE enabled AND id IN (SELECT endpoint_id FROM changed JOIN outcome USING (id) WHERE outcome.gone)
)
SELECT id FROM changed
"""
RENEW: Final = """
UPDATE deliveries SET leased_until = $3, due_at = $3
FROM unnest($1::bigint[], $2::timestamptz[]) AS held (id, leased_until)
WHERE deliveries.id = held.id AND deliveries.leased_until = held.leased_until
RETURNING deliveries.id
"""
NEXT_DUE: Final = """
SELECT min(next.due_at)
FROM endpoints CROSS JOIN LATERAL (
    SELECT due_at FROM deliveries
    WHERE endpoint_id = endpoints.id AND status = 'pending' AND due_at > $1
    ORDER BY due_at LIMIT 1
) AS next
WHERE endpoints.enabled
"""


class DeliveryStatus(StrEnum):
    """State of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Due:
    """A leased delivery, with all that sending it needs."""

    id: int
    leased_until: datetime
    """End of the lease, and what tells it from all other leases."""
    tried: int
    """Attempts of this run of the schedule that have failed."""
    endpoint_id: UUID
    target: Target
    invoice_id: UUID | None
    event_created_at: datetime
    message: Message
    """Its body is exactly as it was recorded."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send, and what was answered."""

    attempted_at: datetime
    duration_ms: int
    status_code: int | None
    """HTTP status, None if there was no answer."""
    error: str | None
    """Why there was no whole answer; holds no secret."""
    response_head: str | None
    """Beginning of the answer's body, without U+0000."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt makes of a leased delivery."""

    due: Due
    attempt: Attempt
    status: DeliveryStatus
    retry_at: datetime | None
    """When it is tried again, if it stays pending."""
    endpoint_is_gone: bool
    """The endpoint wants no more deliveries at all: it is disabled."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many more deliveries may be in flight."""

    in_all: int
    by_endpoint: Mapping[UUID, int]
    unknown_endpoint: int
    """For each endpoint that `by_endpoint` does not name."""


async def claim(connection: Connection, now: datetime, leased_until: datetime, room: Room) -> tuple[Sequence[Due], int]:
    """Lease what is due at `now`, for enabled endpoints, as far as there is `room`, in one statement.

    Returns the leased deliveries, oldest first, and how many were looked at: only if that is 0 is nothing due. A lease
    that runs out makes its delivery due again. Two processes never get the same one, and never wait for each other.
    """
    rows = await connection.fetch(
        CLAIM,
        now,
        leased_until,
        list(room.by_endpoint),
        list(room.by_endpoint.values()),
        room.unknown_endpoint,
        room.in_all,
    )
    return [_due(row) for row in rows if row["leased_until"] is not None], len(rows)


async def renew(connection: Connection, held: Sequence[Due], leased_until: datetime) -> set[int]:
    """Make the leases of `held` last until `leased_until`; return the ids of those that were still held."""
    rows = await connection.fetch(RENEW, [due.id for due in held], [due.leased_until for due in held], leased_until)
    return {row["id"] for row in rows}


async def store_outcomes(connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> set[int]:
    """Store what came of leased deliveries, and their attempts, in one statement; return the ids that were stored.

    A delivery whose lease another process has taken over is left as it is. Later deliveries of the same endpoint and
    invoice become due now, or when this one is tried again. Idempotent: a lease ends with its first outcome.
    """
    rows = await connection.fetch(
        STORE_OUTCOMES,
        now,
        [outcome.due.id for outcome in outcomes],
        [outcome.due.leased_until for outcome in outcomes],
        [outcome.status.value for outcome in outcomes],
        [outcome.retry_at for outcome in outcomes],
        [outcome.endpoint_is_gone for outcome in outcomes],
        [outcome.attempt.attempted_at for outcome in outcomes],
        [outcome.attempt.duration_ms for outcome in outcomes],
        [outcome.attempt.status_code for outcome in outcomes],
        [outcome.attempt.error for outcome in outcomes],
        [outcome.attempt.response_head for outcome in outcomes],
    )
    return {row["id"] for row in rows}


async def next_due(connection: Connection, now: datetime) -> datetime | None:
    """Return when the next delivery of an enabled endpoint falls due after `now`."""
    moment: datetime | None = await connection.fetchval(NEXT_DUE, now)
    return moment


def _due(row: asyncpg.Record) -> Due:
    return Due(
        id=row["id"],
        leased_until=row["leased_until"],
        tried=row["tried"],
        endpoint_id=row["endpoint_id"],
        target=Target(row["name"], row["url"], row["local"], tuple(row["secrets"])),
        invoice_id=row["invoice_id"],
        event_created_at=row["event_created_at"],
        message=Message(row["event_id"], row["type"], row["sequence"], row["body"].encode()),
    )
