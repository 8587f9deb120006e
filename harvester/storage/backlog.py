"""What waits in the outbox, and what is given up of it because its endpoint has gone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from harvester.storage.database import Connection, row_count

COUNTED_AT_MOST: Final = 100_000
"""Numbers for people need not be exact beyond this, and are asked for every few seconds."""
BACKLOG: Final = f"""
SELECT
    (SELECT count(*) FROM (
        SELECT FROM deliveries WHERE status = 'pending' LIMIT {COUNTED_AT_MOST}
    ) AS counted) AS pending,
    (SELECT min(first.created_at) FROM endpoints CROSS JOIN LATERAL (
        SELECT created_at FROM deliveries
        WHERE endpoint_id = endpoints.id AND status = 'pending' ORDER BY id LIMIT 1
    ) AS first WHERE endpoints.enabled) AS oldest,
    (SELECT coalesce(sum(given_up.count), 0)::bigint FROM endpoints CROSS JOIN LATERAL (
        SELECT count(*) FROM (
            SELECT FROM deliveries WHERE endpoint_id = endpoints.id AND status = 'dead' LIMIT {COUNTED_AT_MOST}
        ) AS counted
    ) AS given_up) AS dead,
    (SELECT count(*) FROM endpoints WHERE NOT enabled AND removed_at IS NULL) AS endpoints_disabled
"""
# A removed endpoint may have more pending than one statement should change, and a new one while it is removed.
GIVE_UP_REMOVED: Final = """
UPDATE deliveries SET status = 'dead', leased_until = NULL, finished_at = $1
WHERE id IN (
    SELECT found.id FROM endpoints CROSS JOIN LATERAL (
        SELECT id FROM deliveries
        WHERE endpoint_id = endpoints.id AND status = 'pending' AND (leased_until IS NULL OR leased_until <= $1)
        ORDER BY id LIMIT $2
        FOR UPDATE SKIP LOCKED
    ) AS found
    WHERE endpoints.removed_at IS NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the outbox holds."""

    pending: int
    oldest: datetime | None
    """Creation of the oldest delivery that is pending for an enabled endpoint."""
    dead: int
    endpoints_disabled: int


async def read(connection: Connection) -> Backlog:
    """Return it."""
    (row,) = await connection.fetch(BACKLOG)
    return Backlog(**row)


async def give_up_removed(connection: Connection, now: datetime, at_most: int) -> int:
    """Give up deliveries that wait for endpoints which were removed, `at_most` of each; return how many."""
    return row_count(await connection.execute(GIVE_UP_REMOVED, now, at_most))
