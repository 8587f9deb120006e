"""What a merchant may want to hear, and the one place where an invoice becomes JSON.

The members and their forms are those that existing users know: API answers and webhook bodies are the same object.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from harvester.domain.invoice import Invoice, PaymentRequest
from harvester.domain.lifecycle import Status


class EventType(StrEnum):
    """Name of an event: what it is about, and what happened to it."""

    CREATED = "invoice.created"
    PAID = "invoice.paid"
    CANCELLED = "invoice.cancelled"
    EXPIRED = "invoice.expired"


EVENT_OF_STATUS: Final[Mapping[Status, EventType]] = {
    Status.WAITING: EventType.CREATED,
    Status.PAID: EventType.PAID,
    Status.CANCELLED: EventType.CANCELLED,
    Status.EXPIRED: EventType.EXPIRED,
}
"""The event that says an invoice has come into a state."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, with what is told of it. Immutable once recorded."""

    id: UUID
    """UUIDv7; the `webhook-id` of all its deliveries."""
    type: EventType
    invoice_id: UUID
    sequence: int
    """Number of the event among its invoice's, from 1 without gaps."""
    cause: str
    """Who or what caused it: `api`, `cli`, `chain:<tx_hash>`, `scan:<account address>`."""
    created_at: datetime
    body: str
    """JSON text that is sent: the private invoice in the state that the event made."""


def invoice_view(invoice: Invoice, request: PaymentRequest) -> dict[str, object]:
    """Return the public JSON members of `invoice`: amounts as strings, times as Unix seconds.

    A member that does not apply is absent, not null. `unclaimed` shows as `waiting`.
    """
    status = Status.WAITING if invoice.status is Status.UNCLAIMED else invoice.status
    view: dict[str, object] = {
        "id": str(invoice.id),
        "status": status.value,
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
        view |= {"paid_by": invoice.paid_by, "paid_at": unix_seconds(invoice.paid_at), "tx_hash": invoice.tx_hash}
    view |= request.details
    if request.payload is not None:
        view["payload"] = request.payload
    return view


def unix_seconds(moment: datetime) -> int:
    """Return an aware moment as whole Unix seconds, rounded down."""
    return int(moment.timestamp())
