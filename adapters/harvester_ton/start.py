"""Where the scan of an account begins that the ledger has never heard of."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from harvester_ton.history import BEGINNING, Cursor, Entry

CLOCK_MARGIN: Final = timedelta(hours=1)
"""How far before the oldest open invoice reading begins: its time is the host's clock, the chain has its own. Starting
early costs reading, starting late costs a payment; an hour covers a host without time service or in the wrong zone's
summer time."""

ReadPage = Callable[[Cursor, Cursor], Awaitable[Sequence[Entry]]]
"""Given a transaction and the cursor to stop at, returns that transaction and some before it, newest first."""


@dataclass(frozen=True, slots=True)
class Start:
    """At the present, or before the oldest open invoice, or at `start_lt`: whichever is earliest."""

    start_lt: int | None

    async def find(self, newest: Cursor, open_since: datetime | None, read_page: ReadPage) -> Cursor:
        """Return the cursor to begin at, reading back from `newest` as far as that takes."""
        since = (open_since - CLOCK_MARGIN).timestamp() if open_since is not None else None
        if since is None and self.start_lt is None:
            return newest
        if self.start_lt == 0:
            return BEGINNING
        place = newest
        while place != BEGINNING:
            for entry in await read_page(place, BEGINNING):
                if self._is_before(entry, since):
                    return entry.at
                place = entry.previous
        return BEGINNING

    def _is_before(self, entry: Entry, since: float | None) -> bool:
        before_invoices = since is None or entry.now < since
        return before_invoices and (self.start_lt is None or entry.at.lt < self.start_lt)
