"""Telling an endpoint again, or for the first time, what happened in a range of time."""

from datetime import datetime
from typing import Final
from uuid import UUID

from harvester.storage.database import Connection

# `+ 0`: otherwise the planner walks along the numbers from both ends until it meets the range.
RANGE: Final = """
SELECT min(number + 0) AS first, max(number + 0) AS last FROM events WHERE created_at >= $1 AND created_at < $2
"""
# What is in flight stays as it is; what is pending is due now; what was finished begins its schedule anew.
REPLAY: Final = """
WITH found AS MATERIALIZED (
    SELECT events.number, events.id, events.invoice_id, events.sequence, events.type, events.created_at
    FROM events WHERE number > $2 AND number <= $3 ORDER BY number LIMIT $4
), told AS (
    INSERT INTO deliveries AS known (endpoint_id, event_id, invoice_id, sequence, status, due_at, created_at)
    SELECT $1, found.id, CASE WHEN found.sequence IS NOT NULL THEN found.invoice_id END, found.sequence,
           'pending', $7, $7
    FROM found JOIN endpoints ON endpoints.id = $1 AND removed_at IS NULL AND found.type = ANY (event_types)
    WHERE found.created_at >= $5 AND found.created_at < $6
    ORDER BY found.number
    ON CONFLICT (event_id, endpoint_id) DO UPDATE SET
        status = 'pending', due_at = $7, leased_until = NULL, finished_at = NULL,
        schedule_start = CASE WHEN known.status = 'pending' THEN known.schedule_start ELSE known.attempts END
    WHERE known.leased_until IS NULL OR known.leased_until <= $7
    RETURNING id
)
SELECT (SELECT count(*) FROM told) AS told, (SELECT max(number) FROM found) AS up_to
"""


async def numbers(connection: Connection, since: datetime, until: datetime) -> tuple[int, int] | None:
    """Return the first and the last number of the events with `since` <= time < `until`; None: there are none."""
    row = await connection.fetchrow(RANGE, since, until)
    return (row["first"], row["last"]) if row and row["first"] is not None else None


async def replay(
    connection: Connection,
    endpoint_id: UUID,
    beyond: int,
    last: int,
    since: datetime,
    until: datetime,
    now: datetime,
    *,
    at_most: int,
) -> tuple[int, int | None]:
    """Make due what the endpoint wants of the events numbered in (`beyond`, `last`] and made in [`since`, `until`).

    Looks at `at_most` events in one statement. Returns how many deliveries are due now, and the last number that was
    looked at; None: there was nothing more.
    """
    row = await connection.fetchrow(REPLAY, endpoint_id, beyond, last, at_most, since, until, now)
    return (row["told"], row["up_to"]) if row else (0, None)
