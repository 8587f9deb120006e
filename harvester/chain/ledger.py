"""What the ledger takes from a chain, and what it offers: pieces of history, each complete between two cursors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from harvester.domain.payment import Transfer

MAX_BATCH_TRANSFERS: Final = 512
"""The ledger takes no more transfers than this in one batch."""


@dataclass(frozen=True, slots=True)
class Account:
    """One place on a chain where money for the merchant arrives; the unit that is scanned and has a cursor."""

    chain: str
    address: str
    """Canonical address whose history is read (TON: the wallet, or one of its jetton wallets)."""
    pay_to_address: str
    """The merchant's address that payers send to."""
    asset: str
    """The asset whose invoices are settled, and expire, by scanning this account."""


@dataclass(frozen=True, slots=True)
class Destination:
    """What invoices are to be paid to, as they say it."""

    pay_to_address: str
    asset: str


@dataclass(frozen=True, slots=True)
class Position:
    """How far an account has been scanned."""

    cursor: str | None
    """The adapter's own text; None: never scanned."""
    scanned_until: datetime | None
    open_since: datetime | None
    """Creation time of the oldest open invoice that is paid here; None: there is none."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A piece of an account's history, oldest first, complete between two cursors."""

    account: Account
    transfers: tuple[Transfer, ...]
    """In chain order; at most MAX_BATCH_TRANSFERS."""
    cursor_from: str | None
    """Where this piece starts; must be the stored cursor, or nothing is recorded."""
    cursor_to: str
    scanned_until: datetime | None
    """Every transfer to the account with a chain time before this moment has been handed over; None: not known."""
    proof: str | None = None
    """JSON object as text: what the transfers were proven from, for people to check; None: they were believed."""


class Ledger(Protocol):
    """What the core offers an adapter, for one run of it.

    All methods raise Unavailable if the database does not answer. Those that write raise LeaseLost, and write nothing,
    when another process may scan the chain instead: an adapter lets that end its run.
    """

    async def position(self, account: Account) -> Position:
        """Return how far `account` has been scanned.

        Read it after the chain state that it will be compared with: every invoice that this state can contain a
        payment for is then known.
        """
        ...

    async def record(self, batch: Batch) -> None:
        """Record the batch in one database transaction: payments, invoices, events, deliveries, cursor.

        Atomic. Idempotent for transfers (a known one changes nothing), not for cursors.

        Raises:
            CursorConflict: the stored cursor is not `batch.cursor_from`; nothing was recorded.
            Unavailable: the database did not answer; whether the batch was recorded is not known: read the position
                again.
        """
        ...

    async def further_destinations(self, chain: str) -> Sequence[Destination]:
        """Return what is to be watched on `chain` although the adapter's configuration does not name it.

        Open invoices are paid there, or were until not long ago: late money is to be seen, too. Ask at the start and
        about once a minute, which also tells the ledger that what is configured is still needed.
        """
        ...

    async def recall(self, chain: str, name: str) -> bytes | None:
        """Return what was last remembered of `chain` under `name`, by any process; None: nothing."""
        ...

    async def remember(self, chain: str, name: str, value: bytes) -> None:
        """Keep `value` (at most 1 MiB) for later runs. Atomic; the last writer wins."""
        ...
