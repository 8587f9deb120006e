"""Events in the order of their numbers, and how far that order is settled.

An event's number is taken when it is inserted, but shows when its transaction commits: a higher one may show first. A
reader that passed it would never see the lower one. So a reader stays at or below a number of which it is settled that
nothing at or below it can still appear: the last number given out at a moment when, as was seen since, every
transaction that was then writing events has ended. Who is writing shows in the locks on the table: PostgreSQL takes
them before the number is drawn and releases them after the commit shows. Nobody waits for a reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from harvester.storage.database import Connection

LAST_NUMBER: Final = """
SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS number, pg_postmaster_start_time() AS era
FROM events_number_seq
"""
WRITERS: Final = """
SELECT coalesce(array_agg(DISTINCT virtualtransaction), '{}') FROM pg_locks
WHERE locktype = 'relation' AND relation = 'events'::regclass AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
SELECT_PAGE: Final = """
SELECT number, id, type, invoice_id, sequence, created_at, body FROM events
WHERE number > $1 AND number <= $2 ORDER BY number LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event as it is read."""

    number: int
    """Its place in the order of all events; rises, with gaps."""
    id: UUID
    type: str
    invoice_id: UUID | None
    sequence: int | None
    """Number of the event among its invoice's."""
    created_at: datetime
    body: str
    """JSON text."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of the writers, in this order: the last number given out, then who was writing."""

    era: datetime
    """When the server was started: what was seen of another one says nothing."""
    number: int
    writers: frozenset[str]


class Horizon:
    """The highest number that one reader knows to be settled. Its looks must come in the order they were taken in."""

    def __init__(self) -> None:
        self._number = 0
        self._waiting: Look | None = None
        self._era: datetime | None = None

    def advance(self, look: Look) -> int:
        """Return the horizon after `look`."""
        if look.era != self._era:
            self._era, self._number, self._waiting = look.era, 0, None
        if self._waiting and self._waiting.writers.isdisjoint(look.writers):
            self._number, self._waiting = self._waiting.number, None
        if not look.writers:
            self._number, self._waiting = look.number, None
        elif self._waiting is None:
            self._waiting = look
        return self._number


@dataclass(frozen=True, slots=True)
class Page:
    """What a reader sees beyond a number."""

    events: Sequence[NumberedEvent]
    last_number: int
    """The last one given out, whether it shows or not."""
    settled: bool
    """Whether nothing was held back because it was not settled."""


async def read(connection: Connection, horizon: Horizon, after: int, limit: int) -> Page:
    """Return at most `limit` settled events with numbers beyond `after`, in order, and take one look for `horizon`.

    Each of its statements must have a snapshot of its own: call it outside of a transaction, or in READ COMMITTED.
    """
    last = await connection.fetchrow(LAST_NUMBER)
    if last is None or last["number"] <= after:
        return Page([], last["number"] if last else 0, settled=True)
    # A statement of its own, after the number is known: a writer that is not seen now had no number up to that.
    writers = frozenset(await connection.fetchval(WRITERS))
    settled = horizon.advance(Look(last["era"], last["number"], writers))
    # And another one: its snapshot must be taken after the writers have been seen to be gone.
    rows = await connection.fetch(SELECT_PAGE, after, settled, limit)
    return Page([NumberedEvent(**row) for row in rows], last["number"], settled=settled >= last["number"])
