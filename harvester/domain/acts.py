"""What people make of payments afterwards: assign one to an invoice, take it back, mark it as refunded or ignored.

    recorded ──assign──▶ assigned ──unassign──▶ recorded
    recorded ──ignore──▶ ignored ──assign──▶ assigned
    recorded, assigned, ignored ──refund──▶ refunded

Rules:
- A payment never changes. An act is a row beside it; the last one says what has become of the payment.
- Only what counts for no invoice can be assigned: unmatched, or named with an invoice of another asset or wallet.
  Credit cannot: it is its sender's.
- An assignment follows the rules that the ledger follows (`receive`), by the transfer's chain time: in time for an open
  invoice it may settle it. States stay final: money assigned to a closed invoice is counted, and changes no state.
- What an invoice was settled with cannot be taken back: paid is final.
- Refunded is final, and says nothing about the invoice: it has received what it has received. So what an open invoice
  has received cannot be refunded: the rest would settle it with money that is gone.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from harvester.domain.errors import ActRefused, InvalidInput
from harvester.domain.invoice import Invoice, receive
from harvester.domain.lifecycle import OPEN, Status
from harvester.domain.payment import Payment, PaymentClass, Standing, Transfer

MAX_ACTOR_NAME: Final = 64
MAX_REASON: Final = 500


class Act(StrEnum):
    """What somebody did with a payment."""

    ASSIGNED = "assigned"
    UNASSIGNED = "unassigned"
    REFUNDED = "refunded"
    IGNORED = "ignored"


ACTS: Final = MappingProxyType(
    {
        (Standing.RECORDED, Act.ASSIGNED): Standing.ASSIGNED,
        (Standing.IGNORED, Act.ASSIGNED): Standing.ASSIGNED,
        (Standing.ASSIGNED, Act.UNASSIGNED): Standing.RECORDED,
        (Standing.RECORDED, Act.REFUNDED): Standing.REFUNDED,
        (Standing.ASSIGNED, Act.REFUNDED): Standing.REFUNDED,
        (Standing.IGNORED, Act.REFUNDED): Standing.REFUNDED,
        (Standing.RECORDED, Act.IGNORED): Standing.IGNORED,
    }
)
_ASSIGNABLE: Final = frozenset({PaymentClass.UNMATCHED, PaymentClass.WRONG_ASSET})
_SETTLING: Final = frozenset({PaymentClass.EXACT, PaymentClass.OVER, PaymentClass.PARTIAL})


@dataclass(frozen=True, slots=True)
class RecordedAct:
    """An act as it is recorded. Never rewritten."""

    kind: Act
    reason: str | None
    actor: str
    """Where it came from, and who it was if they said so: `api`, `cli:alice`."""
    created_at: datetime
    invoice_id: UUID | None
    """The invoice that the payment is assigned to after it."""
    payment_class: PaymentClass | None
    """What the payment meant for that invoice."""


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, and why."""

    actor: str
    """As `actor` makes it."""
    reason: str | None
    """As `reason_text` makes it."""

    @property
    def cause(self) -> str:
        """Both in one text, for what has no place for a reason."""
        return self.actor if self.reason is None else f"{self.actor}: {self.reason}"


def assign(payment: Payment, invoice: Invoice, now: datetime, tolerance_ppm: int = 0) -> tuple[Payment, Invoice]:
    """Return both as they are once `payment` counts for `invoice`. The caller holds the locks of both rows.

    Raises:
        ActRefused: it counts already, was refunded, or is of another asset or wallet than the invoice.
    """
    if payment.payment_class is PaymentClass.CREDIT:
        raise ActRefused(
            f"payment {payment.id} is its sender's credit, which pays for orders: it can be refunded, not assigned"
        )
    if payment.payment_class not in _ASSIGNABLE:
        raise ActRefused(
            f"payment {payment.id} is {payment.payment_class}: only one that counts for no invoice can be assigned"
        )
    standing = _next(payment, Act.ASSIGNED)
    if payment.chain != invoice.chain:
        raise ActRefused(f"payment {payment.id} was made on another chain than the invoice asks for")
    payment_class, after = receive(
        invoice, _transfer(payment), payment.pay_to_address, now, payment.proof, tolerance_ppm
    )
    if payment_class is PaymentClass.WRONG_ASSET:
        raise ActRefused(f"payment {payment.id} is in another asset, or to another wallet, than the invoice asks for")
    return replace(payment, standing=standing, assigned_to=invoice.id, assigned_class=payment_class), after


def unassign(payment: Payment, invoice: Invoice, now: datetime) -> tuple[Payment, Invoice]:
    """Return both as they are once `payment` no longer counts for `invoice`, to which it is assigned.

    Raises:
        ActRefused: it is not assigned, or the invoice was settled with it.
    """
    standing = _next(payment, Act.UNASSIGNED)
    if invoice.status is Status.PAID and payment.assigned_class in _SETTLING:
        raise ActRefused(f"invoice {invoice.id} was settled with payment {payment.id}: paid is final")
    after = replace(invoice, received=invoice.received - payment.amount, updated_at=now)
    return replace(payment, standing=standing, assigned_to=None, assigned_class=None), after


def refund(payment: Payment, invoice: Invoice | None) -> Payment:
    """Return `payment`, which counts for `invoice`, if for any, as refunded. The caller holds the locks of both rows.

    Raises:
        ActRefused: what has become of it does not allow this, or the invoice is open.
    """
    if invoice is not None and invoice.status in OPEN:
        raise ActRefused(
            f"payment {payment.id} is a part of what invoice {invoice.id} asks for, which is open: cancel that first"
        )
    return replace(payment, standing=_next(payment, Act.REFUNDED))


def ignore(payment: Payment) -> Payment:
    """Return `payment` as ignored.

    Raises:
        ActRefused: what has become of it does not allow this.
    """
    return replace(payment, standing=_next(payment, Act.IGNORED))


def actor(channel: str, name: str | None) -> str:
    """Return who acts: `channel` (`api`, `cli`), with the name that was given.

    Raises:
        InvalidInput: the name is not allowed.
    """
    if name is None:
        return channel
    return f"{channel}:{_one_line(name, 'actor', MAX_ACTOR_NAME)}"


def reason_text(text: str) -> str:
    """Return the reason of an act.

    Raises:
        InvalidInput: it is not allowed.
    """
    return _one_line(text, "reason", MAX_REASON)


def _one_line(text: str, name: str, longest: int) -> str:
    text = text.strip()
    if not (0 < len(text) <= longest and text.isprintable()):
        raise InvalidInput(f"{name} must be one line of 1 to {longest} printable characters")
    return text


def _next(payment: Payment, act: Act) -> Standing:
    try:
        return ACTS[payment.standing, act]
    except KeyError:
        raise ActRefused(f"payment {payment.id} is {payment.standing}: it cannot be {act}") from None


def _transfer(payment: Payment) -> Transfer:
    return Transfer(payment.tx_hash, payment.transfer_index, payment.asset, payment.amount, payment.payer, payment.time)
