"""Invoices and payments as JSON bytes: what the API answers and webhooks carry, from the views in `domain.events`."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import orjson

from harvester.domain.acts import RecordedAct
from harvester.domain.events import act_view, invoice_view, payment_view, price_view, unix_seconds
from harvester.domain.invoice import CUSTOMER_PREFIX, Invoice, PaymentRequest
from harvester.domain.lifecycle import Status
from harvester.domain.payment import Payment
from harvester.services.paging import page_view


def public_json(invoice: Invoice, request: PaymentRequest) -> bytes:
    """Return `invoice` as a JSON object for anybody who knows its id."""
    view = invoice_view(invoice, request)
    if invoice.paid_by is not None and invoice.paid_by.startswith(CUSTOMER_PREFIX):
        view["paid_by"] = CUSTOMER_PREFIX.removesuffix(":")  # who it is, is the merchant's alone
    return orjson.dumps(view)


def private_json(invoice: Invoice, request: PaymentRequest) -> bytes:
    """Return `invoice` as a JSON object for the merchant: the public members, and those that are the merchant's.

    Texts of JSON go in as they are stored, byte for byte; that they are JSON objects was seen to when they came in.
    """
    view = invoice_view(invoice, request)
    view["private_info"] = orjson.Fragment(invoice.private_info)
    view["metadata"] = orjson.Fragment(invoice.metadata)
    if invoice.order_id is not None:
        view["order_id"] = invoice.order_id
    if invoice.customer_id is not None:
        view["customer_id"] = invoice.customer_id
    if invoice.price is not None:
        view["price"] = price_view(invoice.price) | {"rate_source": invoice.price.rate_source}
    if invoice.alt_id is not None:
        view["alt_id"] = invoice.alt_id
    if invoice.note is not None:
        view["note"] = invoice.note
    if invoice.status is Status.UNCLAIMED:
        view["unclaimed"] = True
    if invoice.claimed_at is not None:
        view["claimed_at"] = unix_seconds(invoice.claimed_at)
    if invoice.proof is not None:
        view["proof"] = orjson.Fragment(invoice.proof)
    return orjson.dumps(view)


def list_json(invoices: Iterable[bytes], following: UUID | None = None, preceding: UUID | None = None) -> bytes:
    """Return the JSON object that lists invoices which have become JSON already, with where the list goes on."""
    goes_on = b"" if following is None else b',"next":"%s"' % str(following).encode()
    goes_back = b"" if preceding is None else b',"prev":"%s"' % str(preceding).encode()
    return b'{"invoices":[' + b",".join(invoices) + b"]" + goes_on + goes_back + b"}"


def payment_json(payment: Payment, acts: Sequence[RecordedAct] | None = None) -> bytes:
    """Return `payment` as a JSON object, with its proof as it is stored, and with `acts` if they are given."""
    more = {} if acts is None else {"acts": [act_view(act) for act in acts]}
    return orjson.dumps(_with_proof(payment) | more)


def invoice_payments_json(payments: Sequence[Payment], limit: int, invoice_id: UUID) -> bytes:
    """Return the JSON object that lists a page of payments about one invoice, and says which count for it."""
    views = [_with_proof(payment) | {"counts": payment.counts_for == invoice_id} for payment in payments]
    return orjson.dumps(page_view("payments", views, [payment.id for payment in payments], limit))


def payments_json(payments: Sequence[Payment], limit: int) -> bytes:
    """Return the JSON object that lists a page of payments."""
    views = [_with_proof(payment) for payment in payments]
    return orjson.dumps(page_view("payments", views, [payment.id for payment in payments], limit))


def _with_proof(payment: Payment) -> dict[str, object]:
    view = payment_view(payment)
    if payment.proof is not None:
        view["proof"] = orjson.Fragment(payment.proof)
    return view
