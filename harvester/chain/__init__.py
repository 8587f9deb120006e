"""The adapter contract: what a chain does for the core, what the core does for a chain, and the data that crosses.

An adapter is a package of its own, found by entry point (group `harvester.adapters`) and never imported by the core.
`tests/contract/` is this contract as tests; every adapter runs them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from harvester.chain.installed import choose_installed, installed_plugins
from harvester.domain.invoice import Invoice, PaymentRequest
from harvester.domain.money import Currency
from harvester.domain.payment import Transfer

if TYPE_CHECKING:
    import asyncio

    import click
    from aiohttp import web
    from prometheus_client import CollectorRegistry

    from harvester.chain.desk import Desk

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


Clock = Callable[[], datetime]
"""Returns the present moment, aware UTC."""


class Pulse(Protocol):
    """How a loop shows that it goes round. Cheap; never fails."""

    def beat(self) -> None:
        """It has gone round, or got on within a long round, whether it could do its work or not."""
        ...

    def success(self) -> None:
        """It has done its work, and gone round."""
        ...


Watched = Callable[[str], AbstractContextManager[Pulse]]
"""Takes a loop's name, from a small closed set; inside the block the loop beats at least every minute, or it hangs.

A loop whose database or node is away waits for it in bounded steps and beats after each: it does not hang. One that
does keeps the watchdog from being fed, and the service manager restarts the process.
"""


class _Unheard:
    """A pulse that nobody listens to."""

    def beat(self) -> None:
        """See `Pulse`."""

    def success(self) -> None:
        """See `Pulse`."""


UNHEARD: Final[Pulse] = _Unheard()


@contextmanager
def unwatched(_loop: str) -> Iterator[Pulse]:
    """Implement `Watched` for those who need no watching: commands and tests."""
    yield UNHEARD


@dataclass(frozen=True, slots=True)
class AdapterContext:
    """What the composition root gives an adapter to build from."""

    clock: Clock
    registry: "CollectorRegistry"
    environ: Mapping[str, str]
    """The plug-in's variables that are set, by name without prefix; NAME_FILE and credentials are resolved."""
    watched: Watched = unwatched
    """For every loop that the adapter's work depends on, while `run` runs."""


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What the command line gives the commands that adapters bring: `click`'s context object (`obj`)."""

    read_settings: Callable[[Iterable[str]], Mapping[str, str]]
    """Returns those that are set, by name without prefix, wherever they come from; raises ConfigurationError."""


@dataclass(frozen=True, slots=True)
class AdapterPlugin:
    """What an entry point of group `harvester.adapters` names."""

    name: str
    build: Callable[[AdapterContext], Adapter]
    """Reads the adapter's own settings; raises ConfigurationError (one per mistake: an ExceptionGroup of them)."""
    variables: frozenset[str]
    """Names of the settings that the adapter reads, without prefix."""
    commands: "Sequence[click.Command]" = ()
    """CLI commands, mounted at the top level (a group named after the chain, for instance).

    Groups of one name are one group. So a plug-in brings a command of `dev` in a group `dev` that does nothing itself.
    """
    migrations_path: Path | None = None
    """Folder with the adapter's own migrations."""
    secrets: frozenset[str] = field(default_factory=frozenset)
    """Those of `variables` that must never be shown."""
    routes: "Callable[[Adapter, Desk], Sequence[web.RouteDef]] | None" = None
    """Routes that the API serves besides; they answer in a wire format of their own. See `harvester.chain.requests`."""
    openapi_path: Path | None = None
    """OpenAPI document that describes `routes`: its paths, components and tags are put into that of the API."""


def load_plugins() -> dict[str, AdapterPlugin]:
    """Return all installed adapters by name; an adapter whose extra is not installed is left out."""
    return installed_plugins(ENTRY_POINT_GROUP)


def choose_plugin(plugins: Mapping[str, AdapterPlugin], name: str) -> AdapterPlugin:
    """Return the plug-in called `name`.

    Raises:
        ConfigurationError: it is not installed; the message lists what is.
    """
    return choose_installed(plugins, name, "CHAINS", "adapter")
