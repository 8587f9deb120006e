"""Invoices and payments as JSON bytes: what the API answers and webhooks carry, from the views in `domain.events`."""

from collections.abc import Iterable, Sequence

import orjson

from harvester.domain.acts import Entry
from harvester.domain.events import act_view, invoice_view, payment_view, unix_seconds
from harvester.domain.invoice import Invoice, PaymentRequest
from harvester.domain.lifecycle import Status
from harvester.domain.payment import Payment


def public_json(invoice: Invoice, request: PaymentRequest) -> bytes:
    """Return `invoice` as a JSON object for anybody who knows its id."""
    return orjson.dumps(invoice_view(invoice, request))


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


def list_json(invoices: Iterable[bytes]) -> bytes:
    """Return the JSON object that lists invoices which have become JSON already."""
    return b'{"invoices":[' + b",".join(invoices) + b"]}"


def payment_json(payment: Payment, acts: Sequence[Entry] | None = None) -> bytes:
    """Return `payment` as a JSON object, with its proof as it is stored, and with `acts` if they are given."""
    view = payment_view(payment)
    if payment.proof is not None:
        view["proof"] = orjson.Fragment(payment.proof)
    if acts is not None:
        view["acts"] = [act_view(entry) for entry in acts]
    return orjson.dumps(view)


def payments_json(payments: Iterable[Payment]) -> bytes:
    """Return the JSON object that lists payments."""
    return b'{"payments":[' + b",".join(map(payment_json, payments)) + b"]}"
