"""Requests that are done once, however often they are sent: the answer is stored with the effect, or not at all.

Who has an effect takes a `once: Once | None` and, in the transaction of the effect, stores `once.record(result, now)`:
together with another statement (`storage.idempotency.keeping`), or on its own (`kept`). If somebody else has done
the same request meanwhile, that raises KeyTaken, and undoes everything.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from harvester.chain import Clock
from harvester.domain.errors import InvariantBroken
from harvester.storage import idempotency
from harvester.storage.database import Connection, Database
from harvester.storage.idempotency import MAX_ANSWER_BYTES, Record

KEPT: Final = timedelta(hours=25)
"""A day is promised; clocks of several hosts may differ."""
PRUNED_AT_ONCE: Final = 1000

_Result = TypeVar("_Result")


@dataclass(slots=True)
class Ticket:
    """One request with a key, as this process sees it."""

    id: bytes
    body_hash: bytes
    kept: bool = False
    """Whether a record was stored for it; it counts only if what stored it has not failed afterwards."""

    @classmethod
    def of(cls, token_id: str, method: str, path: str, key: str, body: bytes) -> "Ticket":
        """Return the ticket of a request. The same token, method, path and key make the same id."""
        parts = (token_id, method, path, key)
        named = b"".join(b"%d:%b" % (len(part), part) for part in map(_encoded, parts))
        return cls(hashlib.sha256(named).digest(), hashlib.sha256(body).digest())

    def record(self, status: int, answer: bytes, now: datetime) -> Record:
        """Return what is to be stored.

        Raises:
            InvariantBroken: the answer is too large; no request that is allowed leads to such a one.
        """
        if len(answer) > MAX_ANSWER_BYTES:
            raise InvariantBroken(f"an answer of {len(answer)} bytes is to be kept")
        self.kept = True
        return Record(self.id, self.body_hash, status, answer, now)


@dataclass(frozen=True, slots=True)
class Once(Generic[_Result]):
    """What a service is handed that shall have its effect once."""

    ticket: Ticket
    status: int
    answer: Callable[[_Result], bytes] = field(repr=False)
    """Makes the body of the answer of what the service is going to return."""

    def record(self, result: _Result, now: datetime) -> Record:
        """Return what is to be stored in the transaction of the effect."""
        return self.ticket.record(self.status, self.answer(result), now)


async def kept(once: Once[_Result] | None, connection: Connection, result: _Result, now: datetime) -> _Result:
    """Return `result`, and store it in the transaction of the effect, if that is to be had once.

    Raises:
        KeyTaken: the request has been done; the transaction must be undone.
    """
    if once:
        await idempotency.insert(connection, once.record(result, now))
    return result


@dataclass(frozen=True, slots=True)
class Keys:
    """Knows what was done. All methods may raise Unavailable."""

    database: Database
    clock: Clock

    async def find(self, ticket: Ticket) -> Record | None:
        """Return what was done with the ticket's key, or None."""
        async with self.database.connection() as connection:
            return await idempotency.find(connection, ticket.id)

    async def keep(self, ticket: Ticket, status: int, answer: bytes) -> None:
        """Store that it was done, after the fact: for what has no effect, or does no harm if it is done twice.

        Raises:
            KeyTaken: it has been done meanwhile.
        """
        async with self.database.connection() as connection:
            await idempotency.insert(connection, ticket.record(status, answer, self.clock()))

    async def prune(self) -> bool:
        """Forget some of what was done longer than `KEPT` ago; return whether there may be more of it."""
        async with self.database.connection() as connection:
            return await idempotency.prune(connection, self.clock() - KEPT, PRUNED_AT_ONCE) == PRUNED_AT_ONCE


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
