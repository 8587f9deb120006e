"""Events for whoever reads them one after the other: nothing is skipped, and what is new is told when it comes."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from harvester.domain.errors import InvalidInput
from harvester.storage import event_feed
from harvester.storage.database import Database
from harvester.storage.event_feed import Horizon, NumberedEvent
from harvester.storage.signals import Hint, Signals

MAX_PAGE: Final = 1000
MAX_WAIT_SECS: Final = 60.0
MAX_NUMBER: Final = 2**63 - 1
_POLL_SECS: Final = 1.0
_SETTLE_SECS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25)
"""How long to wait for what is being written, at the first look, the second, …: commits take milliseconds."""


class EventFeed:
    """Reads events in the order of their numbers. Any number of readers; each keeps its own place."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals
        self._readers: set[Hint] = set()
        self._stopping = False

    @property
    def readers(self) -> int:
        """How many are reading now."""
        return len(self._readers)

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for `stop`, then send readers that wait on their way."""
        await stop.wait()
        self._stopping = True
        for hint in self._readers:
            hint.set()

    async def read(self, after: int, limit: int, wait_secs: float = 0.0) -> Sequence[NumberedEvent]:
        """Return at most `limit` events with numbers beyond `after`; wait up to `wait_secs` for the first.

        None at all means that nothing is new, or that it was not settled in time: ask again with the same `after`.

        Raises:
            InvalidInput: `after`, `limit` or `wait_secs` is out of range, or there was never such a number.
            Unavailable: the database does not answer.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"limit must be from 1 to {MAX_PAGE}")
        if not 0 <= wait_secs <= MAX_WAIT_SECS:
            raise InvalidInput(f"wait must be from 0 to {MAX_WAIT_SECS:.0f} seconds")
        with self._reader() as hint:
            return await self._read(hint, Horizon(), after, limit, time.monotonic() + wait_secs)

    async def follow(
        self, after: int, limit: int, silence_secs: float
    ) -> AsyncGenerator[Sequence[NumberedEvent], None]:
        """Yield events beyond `after` in pages of at most `limit`, until the daemon stops.

        A page is empty when there was nothing for `silence_secs`, so that the caller can show a sign of life; the first
        page comes at once. Close the iterator (`aclosing`).

        Raises: as `read`.
        """
        horizon, deadline = Horizon(), 0.0
        with self._reader() as hint:
            while True:
                page = await self._read(hint, horizon, after, limit, deadline)
                if self._stopping and not page:
                    return
                yield page
                after = page[-1].number if page else after
                deadline = time.monotonic() + silence_secs

    async def _read(
        self, hint: Hint, horizon: Horizon, after: int, limit: int, deadline: float
    ) -> Sequence[NumberedEvent]:
        looks = 0
        while True:
            async with self._database.connection() as connection:
                page = await event_feed.read(connection, horizon, after, limit)
            if not 0 <= after <= page.last_number:
                raise InvalidInput(
                    f"after must be from 0 to {page.last_number}, the number of the last event: if you have read a "
                    "higher one, the database was restored from a copy that is older"
                )
            rest = deadline - time.monotonic()
            unsettled = not page.settled and looks < len(_SETTLE_SECS)
            if page.events or self._stopping or (rest <= 0 and not unsettled):
                return page.events
            if unsettled:
                await asyncio.sleep(_SETTLE_SECS[looks])
                looks += 1
            else:
                await hint.wait(min(rest, _POLL_SECS))
                looks = 0

    @contextmanager
    def _reader(self) -> Iterator[Hint]:
        with self._signals.listening("events") as hint:
            self._readers.add(hint)
            try:
                yield hint
            finally:
                self._readers.remove(hint)
