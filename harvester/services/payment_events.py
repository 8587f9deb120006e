"""Events that are about a payment: that it came, what somebody must know of it, and what people made of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from harvester.domain.acts import RecordedAct
from harvester.domain.events import EVENT_OF_ACT, EVENTS_OF_CLASS, Event, EventType, act_view, payment_view
from harvester.domain.payment import Payment


def recorded_events(payment: Payment) -> Iterator[Event]:
    """Yield the events that the recording of `payment` makes."""
    for kind in EVENTS_OF_CLASS[payment.payment_class]:
        body: dict[str, object] = {"type": kind.value, "payment": payment_view(payment)}
        yield _event(kind, payment.invoice_id, f"chain:{payment.tx_hash}", payment.recorded_at, body)


def confirmed_event(payment: Payment, now: datetime) -> Event:
    """Return the event that says `payment`, recorded before it was final, is final now."""
    kind = EventType.PAYMENT_CONFIRMED
    body: dict[str, object] = {"type": kind.value, "payment": payment_view(replace(payment, confirmed=True))}
    return _event(kind, payment.invoice_id, f"chain:{payment.tx_hash}", now, body)


def act_event(before: Payment, payment: Payment, act: RecordedAct) -> Event:
    """Return the event that says what made `payment` of what it was `before`; it is about the invoice concerned."""
    kind = EVENT_OF_ACT[act.kind]
    body: dict[str, object] = {"type": kind.value, "payment": payment_view(payment), "act": act_view(act)}
    invoice_id = payment.assigned_to or before.assigned_to or payment.invoice_id
    return _event(kind, invoice_id, act.actor, act.created_at, body)


def _event(kind: EventType, invoice_id: UUID | None, cause: str, now: datetime, body: dict[str, object]) -> Event:
    return Event(
        id=uuid7(),
        type=kind,
        invoice_id=invoice_id,
        sequence=None,
        cause=cause,
        created_at=now,
        body=orjson.dumps(body).decode(),
    )
