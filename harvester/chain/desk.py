"""What the core offers a plug-in with routes of its own: place orders, claim them, report payments, confirm them.

A storefront places orders, a hot wallet reports payments; who may do so is the plug-in's to check by its wire format,
apart from the badge of a wallet, which is taken together with the effect it protects. Every method is one transaction
and may raise Unavailable, after which nobody knows whether it was done: doing it again is safe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from harvester.domain.invoice import Invoice
from harvester.domain.payment import Transfer


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """An order as a storefront places it."""

    order_id: str
    """The storefront's own id; 1 … 255 printable characters, unique."""
    customer_id: str
    """1 … 255 printable characters."""
    ticker: str
    """Currency that it is paid in."""
    price_amount: Decimal
    """What it costs, in `price_currency`; from 0 up."""
    price_currency: str
    """A fiat currency with a rate, or `ticker` itself: then the price is in whole units and needs none."""
    created_at: datetime
    """When the storefront made it: its place in the queue. It lives from when it is placed here."""
    alt_id: str | None = None
    """A second name that is unique, too."""
    note: str | None = None
    """What the buyer wrote, or the storefront for him. It may hold a claim, if the chain has signed ones."""
    claimed_by: str | None = None
    """Canonical address whose owner has signed for this order already; None: only if it is in the note."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of an OrderDraft."""

    invoice: Invoice
    new: bool
    """False: it had been placed before, with the same content."""


@dataclass(frozen=True, slots=True)
class Lives:
    """How long orders wait, from creation and from the claim."""

    unclaimed: timedelta
    unpaid: timedelta


@dataclass(frozen=True, slots=True)
class Badge:
    """Proof, checked by the plug-in, that an authorised wallet says something now."""

    chain: str
    address: str
    """Canonical address of the wallet."""
    nonce: int
    """Signed 64 bits; must be greater than the last one that was taken."""
    ip_address: str | None
    """Where it came from; None: it is not asked for."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """A hot wallet that may report payments."""

    chain: str
    address: str
    ip_address: str
    last_nonce: int


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of a report or a confirmation."""

    payment_id: int
    new: bool
    """False: it was known already, and nothing changed but the badge's nonce."""


class Desk(Protocol):
    """See the module. One desk serves one plug-in: its chain and the lives of its orders are set when it is made."""

    def tickers(self) -> Sequence[str]:
        """Return the currencies that orders can be paid in, at least one: first the coin of the first chain."""
        ...

    async def place_order(self, draft: OrderDraft) -> Placed:
        """Store an order; tie it to its payer, and pay it, if that is known already. Atomic; idempotent by `order_id`.

        Raises:
            InvalidInput: a member is not allowed, the currency is unknown, or has no rate that is valid.
            ActRefused: an order of this id, or alt_id, exists with another content; the message says what differs.
        """
        ...

    async def claim(self, order_id: str, address: str, cause: str) -> Invoice:
        """Tie an order to the owner of `address`, who has signed for it, and pay it from that address if it can.

        Atomic; repeated by a linked address it changes nothing and returns the order.

        Raises:
            NotFound: there is no such order.
            ActRefused: it is not unclaimed.
        """
        ...

    async def report(self, transfer: Transfer, badge: Badge) -> Reported:
        """Record a transfer that a wallet saw. Atomic with the badge's nonce; idempotent by (tx_hash, index).

        Raises:
            BadgeRefused: the wallet is unknown, the nonce not greater, or the host another one; nothing changed.
            ActRefused: the transfer is known with another content.
        """
        ...

    async def confirm(self, tx_hash: str, index: int, badge: Badge) -> Reported:
        """Take a transfer as final: it credits its payer's address, and pays what is due from there. As `report`.

        Raises:
            BadgeRefused: see `report`.
            NotFound: no such transfer was reported.
        """
        ...

    async def order(self, order_id: str) -> Invoice | None:
        """Return the order of this id; where the desk is not strict, of this alt_id if no id matches."""
        ...

    async def wallets(self) -> Sequence[Wallet]:
        """Return the wallets that may report, in order of their addresses; at most 1,000."""
        ...
