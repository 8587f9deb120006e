"""Invoices as JSON bytes: what the API answers and what webhooks carry, from the one view in `domain.events`."""

from collections.abc import Iterable

import orjson

from harvester.domain.events import invoice_view
from harvester.domain.invoice import Invoice, PaymentRequest


def public_json(invoice: Invoice, request: PaymentRequest) -> bytes:
    """Return `invoice` as a JSON object for anybody who knows its id."""
    return orjson.dumps(invoice_view(invoice, request))


def private_json(invoice: Invoice, request: PaymentRequest) -> bytes:
    """Return `invoice` as a JSON object for the merchant: the public members, `private_info`, `metadata`, `proof`.

    These texts go in as they are stored, byte for byte; that they are JSON objects was seen to when they came in.
    """
    view = invoice_view(invoice, request)
    view["private_info"] = orjson.Fragment(invoice.private_info)
    view["metadata"] = orjson.Fragment(invoice.metadata)
    if invoice.proof is not None:
        view["proof"] = orjson.Fragment(invoice.proof)
    return orjson.dumps(view)


def list_json(invoices: Iterable[bytes]) -> bytes:
    """Return the JSON object that lists invoices which have become JSON already."""
    return b'{"invoices":[' + b",".join(invoices) + b"]}"
