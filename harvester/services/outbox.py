"""What an operator may ask of the outbox."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from harvester.chain import Clock
from harvester.domain.errors import InvalidInput, NotFound
from harvester.storage import outbox, retention
from harvester.storage.database import Database
from harvester.storage.deliveries import Attempt, DeliveryStatus
from harvester.storage.outbox import MAX_DELIVERY_ID, DeliveryRecord, Resent
from harvester.storage.signals import Signals

_MAX_DAYS: Final = 36_500
MAX_PAGE: Final = 1000
_PRUNED_AT_ONCE: Final = 1000
"""Each time in a transaction of its own: nobody waits long for its locks."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Lists deliveries, shows one, sends again."""

    database: Database
    signals: Signals
    clock: Clock

    async def page(
        self,
        statuses: Collection[DeliveryStatus],
        limit: int,
        before: int | None = None,
        endpoint_id: UUID | None = None,
    ) -> Sequence[DeliveryRecord]:
        """Return at most `limit` (1 … `MAX_PAGE`) deliveries, newest first: those before id `before` if it is given.

        `endpoint_id`: only those of this endpoint.

        Raises:
            InvalidInput: the limit is out of range, or `before` is no delivery id.
            Unavailable: the database does not answer.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"limit must be from 1 to {MAX_PAGE}")
        if before is not None:
            _check_delivery_id(before)
        async with self.database.connection() as connection:
            return await outbox.page(connection, statuses, limit, before, endpoint_id)

    async def show(self, delivery_id: int) -> tuple[DeliveryRecord, Sequence[Attempt]]:
        """Return a delivery and all its attempts, oldest first.

        Raises:
            NotFound: there is no such delivery.
            InvalidInput: it is no delivery id.
            Unavailable: the database does not answer.
        """
        _check_delivery_id(delivery_id)
        async with self.database.connection() as connection:
            found = await outbox.get(connection, delivery_id)
            if found is None:
                raise NotFound(f"there is no delivery {delivery_id}")
            return found, await outbox.attempts(connection, delivery_id)

    async def resend(self, delivery_or_event_id: int | UUID) -> Sequence[Resent]:
        """Send a delivery, or all deliveries of an event, again, now; asking twice sends once.

        A delivery that is finished gets a whole schedule anew; one that is pending is brought forward. Order within
        an invoice is kept.

        Raises:
            NotFound: there is no such delivery, or the event has none.
            InvalidInput: it is no delivery id.
            Unavailable: the database does not answer.
        """
        if isinstance(delivery_or_event_id, int):
            _check_delivery_id(delivery_or_event_id)
        async with self.database.connection() as connection:
            resent = await outbox.resend(connection, delivery_or_event_id, self.clock())
        if not resent:
            what = "delivery" if isinstance(delivery_or_event_id, int) else "delivery of event"
            raise NotFound(f"there is no {what} {delivery_or_event_id}")
        self.signals.publish("deliveries")
        return resent

    async def prune(self, older_than_days: int) -> int:
        """Forget deliveries that were taken more than `older_than_days` ago, with their attempts; return how many.

        What is pending or dead stays, and so do events: they can be replayed. May be stopped at any time.

        Raises:
            InvalidInput: the number of days is not positive.
            Unavailable: the database does not answer; what was done so far is done.
        """
        if not 1 <= older_than_days <= _MAX_DAYS:
            raise InvalidInput(f"the number of days must be from 1 to {_MAX_DAYS}")
        before, pruned = self.clock() - timedelta(days=older_than_days), 0
        after: int | None = 0
        while after is not None:
            async with self.database.connection() as connection:
                count, after = await retention.prune(connection, after, before, _PRUNED_AT_ONCE)
            pruned += count
        return pruned


def _check_delivery_id(number: int) -> None:
    if not 1 <= number <= MAX_DELIVERY_ID:
        raise InvalidInput(f"a delivery id is a number from 1 to {MAX_DELIVERY_ID}")
