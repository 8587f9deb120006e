"""What a chain does for the core."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from harvester.chain.ledger import Ledger
from harvester.domain.invoice import Invoice, PaymentRequest
from harvester.domain.money import Currency

if TYPE_CHECKING:
    import asyncio


@dataclass(frozen=True, slots=True)
class Health:
    """What an adapter knows of its chain, for `/readyz`, `STATUS=` and `harvester check`."""

    ready: bool
    """A node answers, and every account has been scanned to the present."""
    head_time: datetime | None
    """Chain time of the newest block seen."""
    scanned_until: datetime | None
    """The least of all accounts' watermarks."""
    reasons: tuple[str, ...] = ()
    """Sentences that say what is wrong, without secrets."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `harvester check`."""

    ok: bool
    subject: str
    message: str


class Adapter(Protocol):
    """A chain, as the core sees it. Built without I/O; `run` does the work."""

    name: str

    def currencies(self) -> Sequence[Currency]:
        """Return what invoices can be made in, each ticker once."""
        ...

    def pay_to_address(self, currency: Currency) -> str:
        """Return the merchant's canonical address for a new invoice in `currency`."""
        ...

    def payment_request(self, invoice: Invoice) -> PaymentRequest:
        """Say how `invoice` is paid, also if its currency is no longer configured.

        Pure and fast: lists call it per invoice.
        """
        ...

    def parse_address(self, text: str) -> str:
        """Return the canonical form of an address of this chain, or raise InvalidInput saying what is allowed."""
        ...

    async def run(self, ledger: Ledger, stop: "asyncio.Event") -> None:
        """Hand every transfer to the ledger until `stop` is set; then finish the batch at hand and return.

        Faults of nodes and of the database are retried inside. LeaseLost, which the ledger raises, is raised, alone or
        in a group; what else is raised ends the process. Of all processes on one database one runs it at a time. It
        may be called again, with another ledger, after it has ended.
        """
        ...

    def health(self) -> Health:
        """Return the present state, from memory."""
        ...

    async def check(self) -> Sequence[Finding]:
        """Try the configuration against the real chain and say what is right and wrong; bounded to about 30 s."""
        ...


@dataclass(frozen=True, slots=True)
class PayerKey:
    """A key that the owner of an account has certified: what is sealed with it, only he can read."""

    address: str
    """Canonical address of the account."""
    key: bytes
    """Public encryption key in the chain's own form."""


class Sealer(Protocol):
    """Seals texts for payers. Pure: no I/O, no state."""

    def payer_key(self, account: str, members: Mapping[str, object]) -> PayerKey:
        """Return the key that the owner of `account` (any written form) has certified.

        `members` are those of the JSON object that his wallet sent, unchecked; names in lower case.

        Raises:
            InvalidInput: it is no certificate of this account's owner, or of no good key; the message says why.
        """
        ...

    def seal(self, text: bytes, payer_key: bytes) -> bytes:
        """Return `text` so that only the owner of `payer_key`, which `payer_key()` has returned, can read it.

        Sealing twice gives different bytes.
        """
        ...


@runtime_checkable
class SealingAdapter(Protocol):
    """What an adapter implements besides `Adapter` if payers' wallets of its chain can read sealed metadata."""

    def sealer(self) -> Sealer | None:
        """Return what seals; None: the operator has not set what it needs."""
        ...


@runtime_checkable
class ClaimingAdapter(Protocol):
    """What an adapter implements besides `Adapter` if owners of addresses of its chain can sign for orders."""

    def find_claimant(self, note: str, order_id: str) -> str | None:
        """Return the canonical address whose owner claims exactly `order_id` in the note that came with the order.

        Pure. None: nobody does.
        """
        ...
