"""Orders end when their time is over.

The ledger ends them as it hears how far a chain has been read. Here nothing is read: what comes in is told by wallets,
as it comes. So the present is how far, once a minute.
"""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Final

from harvester.chain import Account, Batch, Clock, Destination, Ledger, Pulse
from harvester.domain.errors import CursorConflict, Unavailable
from harvester_tari.amounts import CHAIN

INTERVAL_SECS: Final = 60.0
_RETRY_SECS: Final = 5.0


class Expiry:
    """Lets the ledger end what is over, of orders that are to be paid to `configured` or to what was before."""

    def __init__(self, configured: Destination, clock: Clock, interval_secs: float = INTERVAL_SECS) -> None:
        self.ended_until: datetime | None = None
        """All that was over at this moment has ended; None: not known yet."""
        self.trouble: str | None = None
        """Why the last round has failed; None: it has not."""
        self._configured = configured
        self._clock = clock
        self._interval_secs = interval_secs

    async def run(self, ledger: Ledger, stop: asyncio.Event, pulse: Pulse) -> None:
        """Go round until `stop`; whatever else than a fault of the database the ledger raises is raised."""
        while not stop.is_set():
            pulse.beat()
            wait_secs = await self._try_round(ledger, pulse)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_secs):
                    await stop.wait()

    async def _try_round(self, ledger: Ledger, pulse: Pulse) -> float:
        """Return after how many seconds to go round again."""
        now = self._clock()
        try:
            await self._round(ledger, now, pulse)
        except (Unavailable, CursorConflict) as error:
            self.trouble = str(error)
            return min(_RETRY_SECS, self._interval_secs)
        self.trouble, self.ended_until = None, now
        pulse.success()
        return self._interval_secs

    async def _round(self, ledger: Ledger, now: datetime, pulse: Pulse) -> None:
        for destination in (self._configured, *await ledger.further_destinations(CHAIN)):
            address = destination.pay_to_address
            account = Account(CHAIN, address, address, destination.asset)
            cursor = (await ledger.position(account)).cursor
            await ledger.record(Batch(account, (), cursor, now.isoformat(), now))
            pulse.beat()
