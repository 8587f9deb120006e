"""What a merchant may want to hear, and the one place where an invoice, or a payment, becomes JSON.

An invoice's members and their forms are those that existing users know: API answers and webhook bodies are the same
object. Events of an invoice's state carry its number among them; events of payments have none, see decision 0006.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from harvester.domain.acts import Act, RecordedAct
from harvester.domain.invoice import Invoice, PaymentRequest
from harvester.domain.lifecycle import Status
from harvester.domain.money import Price
from harvester.domain.payment import Payment, PaymentClass


class EventType(StrEnum):
    """Name of an event: what it is about, and what happened to it."""

    CREATED = "invoice.created"
    PAID = "invoice.paid"
    CANCELLED = "invoice.cancelled"
    EXPIRED = "invoice.expired"
    CLAIMED = "invoice.claimed"
    """A payer was tied to an order that nobody was tied to before."""
    MODIFIED = "invoice.modified"
    """An open order got another customer."""
    PAYMENT_RECEIVED = "payment.received"
    """A transfer was recorded, whatever it meant; not for money that is nobody's payment."""
    PAYMENT_UNMATCHED = "payment.unmatched"
    """… and counts for no invoice."""
    PAYMENT_LATE = "payment.late"
    """… and came to an invoice that was closed, or whose time was over."""
    PAYMENT_PARTIAL = "payment.partial"
    """… and leaves something due."""
    PAYMENT_CONFIRMED = "payment.confirmed"
    """What was recorded before it was final is final now."""
    PAYMENT_ASSIGNED = "payment.assigned"
    PAYMENT_UNASSIGNED = "payment.unassigned"
    PAYMENT_REFUNDED = "payment.refunded"
    PAYMENT_IGNORED = "payment.ignored"


DEFAULT_EVENT_TYPES: Final = (EventType.CREATED, EventType.PAID, EventType.CANCELLED, EventType.EXPIRED)
"""What an endpoint is told that has not asked for anything else."""


EVENT_OF_STATUS: Final[Mapping[Status, EventType]] = {
    Status.UNCLAIMED: EventType.CREATED,
    Status.WAITING: EventType.CREATED,
    Status.PAID: EventType.PAID,
    Status.CANCELLED: EventType.CANCELLED,
    Status.EXPIRED: EventType.EXPIRED,
}
"""The event that says an invoice has come into a state."""
EVENTS_OF_CLASS: Final[Mapping[PaymentClass, tuple[EventType, ...]]] = {
    PaymentClass.EXACT: (EventType.PAYMENT_RECEIVED,),
    PaymentClass.OVER: (EventType.PAYMENT_RECEIVED,),
    PaymentClass.PARTIAL: (EventType.PAYMENT_RECEIVED, EventType.PAYMENT_PARTIAL),
    PaymentClass.LATE: (EventType.PAYMENT_RECEIVED, EventType.PAYMENT_LATE),
    PaymentClass.DUPLICATE: (EventType.PAYMENT_RECEIVED, EventType.PAYMENT_LATE),
    PaymentClass.AFTER_CANCEL: (EventType.PAYMENT_RECEIVED, EventType.PAYMENT_LATE),
    PaymentClass.UNMATCHED: (EventType.PAYMENT_RECEIVED, EventType.PAYMENT_UNMATCHED),
    PaymentClass.WRONG_ASSET: (EventType.PAYMENT_RECEIVED, EventType.PAYMENT_UNMATCHED),
    PaymentClass.IGNORED: (),
    PaymentClass.CREDIT: (EventType.PAYMENT_RECEIVED,),
}
"""The events that a recorded transfer makes: that it came, and what somebody must know of it."""
EVENT_OF_ACT: Final[Mapping[Act, EventType]] = {
    Act.ASSIGNED: EventType.PAYMENT_ASSIGNED,
    Act.UNASSIGNED: EventType.PAYMENT_UNASSIGNED,
    Act.REFUNDED: EventType.PAYMENT_REFUNDED,
    Act.IGNORED: EventType.PAYMENT_IGNORED,
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, with what is told of it. Immutable once recorded."""

    id: UUID
    """UUIDv7; the `webhook-id` of all its deliveries."""
    type: EventType
    invoice_id: UUID | None
    """None: it is about a payment that counts for no invoice and names none."""
    sequence: int | None
    """Number of the event among its invoice's, from 1 without gaps; None: it is not about an invoice's state."""
    cause: str
    """Who or what caused it: `api`, `cli:alice`, `chain:<tx_hash>`, `scan:<account address>`."""
    created_at: datetime
    body: str
    """JSON text that is sent: the private invoice in the state that the event made, or the payment."""


def invoice_view(invoice: Invoice, request: PaymentRequest) -> dict[str, object]:
    """Return the public JSON members of `invoice`: amounts as strings, times as Unix seconds.

    A member that does not apply is absent, not null.
    """
    view: dict[str, object] = {
        "id": str(invoice.id),
        "status": invoice.public_status.value,
        "amount": str(invoice.amount),
        "currency": invoice.ticker,
        "pay_to_address": invoice.pay_to_address,
        "payment_links": request.links,
        "created_at": unix_seconds(invoice.created_at),
        "expire_at": unix_seconds(invoice.expires_at),
        "updated_at": unix_seconds(invoice.updated_at),
        "overpayment": str(invoice.overpayment),
    }
    if invoice.paid_at is not None:
        view |= {"paid_by": invoice.paid_by, "paid_at": unix_seconds(invoice.paid_at)}
        if invoice.tx_hash is not None:
            view["tx_hash"] = invoice.tx_hash
    if invoice.price is not None:
        view["price"] = price_view(invoice.price)
    view |= request.details
    if request.payload is not None:
        view["payload"] = request.payload
    return view


def price_view(price: Price) -> dict[str, object]:
    """Return the public JSON members of `price`: numbers as strings, with the digits that were given."""
    return {
        "amount": f"{price.amount:f}",
        "currency": price.currency,
        "rate": f"{price.rate:f}",
        "rate_at": unix_seconds(price.rate_at),
    }


def payment_view(payment: Payment) -> dict[str, object]:
    """Return the JSON members of `payment` without its proof: amounts as strings, times as Unix seconds.

    A member that does not apply is absent, not null.
    """
    view: dict[str, object] = {
        "id": payment.id,
        "chain": payment.chain,
        "tx_hash": payment.tx_hash,
        "transfer_index": payment.transfer_index,
        "account_address": payment.account_address,
        "pay_to_address": payment.pay_to_address,
        "asset": payment.asset,
        "amount": str(payment.amount),
        "payer": payment.payer,
        "time": unix_seconds(payment.time),
        "recorded_at": unix_seconds(payment.recorded_at),
        "class": payment.payment_class.value,
        "standing": payment.standing.value,
    }
    optional = {
        "reason": payment.reason,
        "text": payment.text,
        "reference": payment.reference and str(payment.reference),
        "invoice_id": payment.invoice_id and str(payment.invoice_id),
        "order_reference": payment.order_reference,
        "confirmed": None if payment.confirmed else False,
    }
    view |= {name: value for name, value in optional.items() if value is not None}
    if payment.assigned_to is not None:
        view["assigned"] = _assignment(payment.assigned_to, payment.assigned_class)
    return view


def act_view(act: RecordedAct) -> dict[str, object]:
    """Return the JSON members of what somebody did with a payment."""
    view: dict[str, object] = {
        "act": act.kind.value,
        "actor": act.actor,
        "created_at": unix_seconds(act.created_at),
    }
    if act.reason is not None:
        view["reason"] = act.reason
    if act.invoice_id is not None:
        view["assigned"] = _assignment(act.invoice_id, act.payment_class)
    return view


def _assignment(invoice_id: UUID, payment_class: PaymentClass | None) -> dict[str, object]:
    return {"invoice_id": str(invoice_id), "class": payment_class and payment_class.value}


def unix_seconds(moment: datetime) -> int:
    """Return an aware moment as whole Unix seconds, rounded down."""
    return int(moment.timestamp())
