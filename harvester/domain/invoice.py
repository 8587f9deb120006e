"""Invoices, and the rules that say what a transfer means for one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from harvester.domain.errors import TransitionRefused
from harvester.domain.lifecycle import OPEN, Status, Trigger, transition
from harvester.domain.money import Price
from harvester.domain.payment import PaymentClass, Transfer

MAX_TOLERANCE_PPM: Final = 500_000
"""Half of the amount; so at least one base unit is always due."""
CUSTOMER_PREFIX: Final = "customer:"
"""Of `paid_by`, before the merchant's own name for a customer, where the merchant's credit paid."""
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a merchant asks for, and what has come of it."""

    id: UUID
    """UUIDv7: ids rise with creation."""
    status: Status
    amount: int
    """Base units asked for; 0 only for an order that is free."""
    received: int
    """Base units of the invoice's asset that came with its reference, in whatever state and time."""
    ticker: str
    """Name of the currency when the invoice was made."""
    chain: str
    asset: str
    decimals: int
    pay_to_address: str
    """The merchant's address that payers send to, in the chain's canonical form."""
    created_at: datetime
    expires_at: datetime
    updated_at: datetime
    sequence: int
    """Number of the invoice's last event; 1 is its creation."""
    private_info: str
    """JSON object as text, as the merchant gave it; for the merchant only."""
    metadata: str
    """JSON object as text: what was bought; for the merchant and, encrypted, for the payer."""
    paid_by: str | None = None
    """Payer of the transfer that settled it, or whose credit did."""
    paid_at: datetime | None = None
    """Chain time of that transfer; without one, when credit settled it."""
    tx_hash: str | None = None
    """Transaction hash of that transfer, or of that which completed the credit; None: that was there before."""
    proof: str | None = None
    """JSON object as text: what that transfer was proven from."""
    order_id: str | None = None
    """The merchant's own number of what is paid for, 1 … 255 printable characters; no other invoice has it."""
    customer_id: str | None = None
    """The merchant's own name for who pays, 1 … 255 printable characters."""
    price: Price | None = None
    """What the amount was worked out from."""
    alt_id: str | None = None
    """A second number of the order that people know it by; no other order has it."""
    note: str | None = None
    """What the buyer wrote to the order; for the merchant only."""
    claimed_at: datetime | None = None
    """When a payer was tied to an order that nobody was tied to before."""
    credited: int = 0
    """Base units of credit that settled it: what was missing, or nothing."""

    @property
    def public_status(self) -> Status:
        """The state as everybody sees it: `unclaimed` shows as `waiting`."""
        return Status.WAITING if self.status is Status.UNCLAIMED else self.status

    @property
    def overpayment(self) -> int:
        """Everything received that the merchant did not ask for, or not in time: base units, never negative."""
        return max(0, self.received + self.credited - (self.amount if self.status is Status.PAID else 0))

    @property
    def shortfall(self) -> int:
        """What is missing to the amount: base units, never negative."""
        return max(0, self.amount - self.received)


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a payer types into a wallet that opens no links."""

    address: str
    """In the form that wallets of the chain take."""
    comment: str | None
    """Text that names the invoice; None: a payment cannot carry one."""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """How one invoice is paid, as the chain's adapter says it."""

    links: dict[str, str]
    """Name to URL, the one that most wallets open first; empty if the adapter has none."""
    payload: str | None
    """What a wallet must attach (TON: base64 BoC)."""
    details: dict[str, object]
    """Further public JSON members of the chain, such as TON's `jetton_info`."""
    by_hand: ByHand | None = None
    """None: only links and payload name the invoice."""
    connect: Mapping[str, object] | None = None
    """What a wallet that is connected by TON Connect is asked to send; None: it cannot be asked for this invoice."""


def expire(invoice: Invoice, now: datetime) -> Invoice:
    """Return the open `invoice` as expired; `now` becomes `updated_at`.

    Raises:
        TransitionRefused: it is closed.
    """
    return replace(invoice, status=transition(invoice.status, Trigger.EXPIRE), updated_at=now)


def cancel(invoice: Invoice, now: datetime) -> Invoice:
    """Return the open `invoice` as cancelled by the merchant; `now` becomes `updated_at`.

    Raises:
        TransitionRefused: it is closed, or its life has ended.
    """
    if now > invoice.expires_at:
        raise TransitionRefused("the life of the invoice has ended")
    return replace(invoice, status=transition(invoice.status, Trigger.CANCEL), updated_at=now)


def least_amount(amount: int, tolerance_ppm: int) -> int:
    """Return the base units that settle an invoice over `amount`: all but `tolerance_ppm` millionths, rounded up."""
    return amount - amount * tolerance_ppm // _MILLION


def receive(
    invoice: Invoice,
    transfer: Transfer,
    pay_to_address: str,
    now: datetime,
    proof: str | None = None,
    tolerance_ppm: int = 0,
) -> tuple[PaymentClass, Invoice]:
    """Say what `transfer`, made to `pay_to_address` and naming `invoice`, means: its class, and the invoice after it.

    Money for an invoice that is closed, or that comes late, is counted in `received` and changes no state. Money in
    another asset or for another wallet changes nothing at all. `now` becomes `updated_at` of a changed invoice, `proof`
    (what the transfer was proven from) stays with an invoice that it settles. `tolerance_ppm`, 0 … MAX_TOLERANCE_PPM,
    is how much may be missing: what settles with less than the amount is `exact`, and `shortfall` says how much.
    Pure; the caller holds the invoice's row lock, sees to it that each transfer comes once, and has expired the
    invoice first where the transfer's time proves its end.
    """
    if (transfer.asset, pay_to_address) != (invoice.asset, invoice.pay_to_address):
        return PaymentClass.WRONG_ASSET, invoice
    received = replace(invoice, received=invoice.received + transfer.amount, updated_at=now)
    if invoice.status is Status.PAID:
        return PaymentClass.DUPLICATE, received
    if invoice.status is Status.CANCELLED:
        return PaymentClass.AFTER_CANCEL, received
    if invoice.status not in OPEN or transfer.time > invoice.expires_at:
        return PaymentClass.LATE, received
    if received.received < least_amount(invoice.amount, tolerance_ppm):
        return PaymentClass.PARTIAL, received
    paid = replace(
        received,
        status=transition(invoice.status, Trigger.SETTLE),
        paid_by=transfer.payer,
        paid_at=transfer.time,
        tx_hash=transfer.tx_hash,
        proof=proof,
    )
    return (PaymentClass.OVER if received.received > invoice.amount else PaymentClass.EXACT), paid
