"""Payments that settle nothing and that nobody has dealt with, walked through stretch by stretch.

Which are dealt with is in other rows, so that no index holds those that are open: a walk looks at all of the class. It
costs the same each time, whatever the tables hold, and sees what is old as surely as what is new.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from harvester.domain.payment import PaymentClass
from harvester.storage.database import Connection

STRETCH: Final = 1000
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
SELECT_STRETCH: Final = f"""
WITH stretch AS MATERIALIZED (
    SELECT id, time, standing = 'recorded' AS open FROM payment_standings
    WHERE class = $1 AND (time, id) > ($2, $3) ORDER BY time, id LIMIT {STRETCH}
)
SELECT count(*) AS seen, count(*) FILTER (WHERE open) AS open, min(time) FILTER (WHERE open) AS oldest,
       max(time) AS last_time, (SELECT id FROM stretch ORDER BY time DESC, id DESC LIMIT 1) AS last_id
FROM stretch
"""


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a walk has come, and what it has found on the way."""

    time: datetime = _BEFORE_ALL
    """Chain time of the last payment that was looked at."""
    payment_id: int = 0
    open: int = 0
    oldest: datetime | None = None
    """Chain time of the oldest that is open."""
    finished: bool = False
    """All were looked at."""


async def walk_on(connection: Connection, payment_class: PaymentClass, walk: Walk) -> Walk:
    """Look at the next `STRETCH` payments of the class, in order of chain time."""
    row = await connection.fetchrow(SELECT_STRETCH, payment_class.value, walk.time, walk.payment_id)
    if row is None or row["seen"] == 0:
        return Walk(walk.time, walk.payment_id, walk.open, walk.oldest, finished=True)
    return Walk(
        row["last_time"], row["last_id"], walk.open + row["open"], walk.oldest or row["oldest"], row["seen"] < STRETCH
    )
