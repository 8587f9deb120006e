"""The adapter contract: what a chain does for the core, what the core does for a chain, and the data that crosses.

An adapter is a package of its own, found by entry point (group `harvester.adapters`) and never imported by the core.
`tests/contract/` is this contract as tests; every adapter runs them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from harvester.chain.installed import choose_installed, installed_plugins
from harvester.domain.invoice import Invoice, PaymentRequest
from harvester.domain.money import Currency
from harvester.domain.payment import Transfer

if TYPE_CHECKING:
    import asyncio

    import click
    from prometheus_client import CollectorRegistry

ENTRY_POINT_GROUP: Final = "harvester.adapters"
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


Clock = Callable[[], datetime]
"""Returns the present moment, aware UTC."""


@dataclass(frozen=True, slots=True)
class AdapterContext:
    """What the composition root gives an adapter to build from."""

    clock: Clock
    registry: "CollectorRegistry"
    environ: Mapping[str, str]
    """The plug-in's variables that are set, by name without prefix; NAME_FILE and credentials are resolved."""


@dataclass(frozen=True, slots=True)
class AdapterPlugin:
    """What an entry point of group `harvester.adapters` names."""

    name: str
    build: Callable[[AdapterContext], Adapter]
    """Reads the adapter's own settings; raises ConfigurationError (one per mistake: an ExceptionGroup of them)."""
    variables: frozenset[str]
    """Names of the settings that the adapter reads, without prefix."""
    commands: "Sequence[click.Command]" = ()
    """CLI commands, mounted at the top level (a group named after the chain, for instance)."""
    migrations_path: Path | None = None
    """Folder with the adapter's own migrations."""
    secrets: frozenset[str] = field(default_factory=frozenset)
    """Those of `variables` that must never be shown."""


def load_plugins() -> dict[str, AdapterPlugin]:
    """Return all installed adapters by name; an adapter whose extra is not installed is left out."""
    return installed_plugins(ENTRY_POINT_GROUP)


def choose_plugin(plugins: Mapping[str, AdapterPlugin], name: str) -> AdapterPlugin:
    """Return the plug-in called `name`.

    Raises:
        ConfigurationError: it is not installed; the message lists what is.
    """
    return choose_installed(plugins, name, "CHAINS", "adapter")
