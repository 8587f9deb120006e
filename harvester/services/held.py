"""The deliveries that this process has leased: each is renewed while it is sent, so that the lease can be short."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from harvester.storage import deliveries
from harvester.storage.database import Database
from harvester.storage.deliveries import Due, Outcome

LEASE: Final = timedelta(seconds=10)
"""How long what a process was sending waits when it is killed."""
_RENEW_BELOW: Final = timedelta(seconds=6)


class Held:
    """Leases by delivery."""

    def __init__(self) -> None:
        self._held: dict[int, Due] = {}

    def take(self, claimed: Iterable[Due]) -> Sequence[Due]:
        """Take note of leases; return those of deliveries that were not held before: the others are being sent."""
        taken = {due.id: due for due in claimed}
        new = [due for number, due in taken.items() if number not in self._held]
        self._held |= taken
        return new

    async def renew(self, database: Database, now: datetime) -> None:
        """Make leases last that have not long to go; what another process has leased by now stays its own.

        Raises:
            Unavailable: the database does not answer.
        """
        short = [due for due in self._held.values() if due.leased_until - now < _RENEW_BELOW]
        if short:
            async with database.connection() as connection:
                renewed = await deliveries.renew(connection, short, now + LEASE)
            self.take(replace(due, leased_until=now + LEASE) for due in short if due.id in renewed)

    def as_leased(self, outcomes: Iterable[Outcome]) -> Sequence[Outcome]:
        """Return the outcomes with the leases as they are now."""
        return [replace(outcome, due=self._held[outcome.due.id]) for outcome in outcomes]

    def let_go(self, outcomes: Iterable[Outcome]) -> None:
        """Forget the leases of deliveries whose outcomes are stored."""
        for outcome in outcomes:
            del self._held[outcome.due.id]
