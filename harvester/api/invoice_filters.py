"""What requests for lists of invoices may ask: the only place with the names and bounds of their parameters.

Parameters with other names are ignored, as they have always been; an empty one counts as absent.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID

from harvester.api.payment_schemas import bounded_text, parse_moment
from harvester.api.schemas import parse_limit
from harvester.domain.errors import InvalidInput
from harvester.domain.identifiers import MAX_MERCHANT_ID, parse_invoice_id
from harvester.domain.lifecycle import Status
from harvester.services.chains import Chains
from harvester.storage.invoice_pages import Extract, InvoiceFilter

FILTERS: Final = ("status", "currency", "since", "until", "order_id", "customer_id", "tx_hash", "address")
ORDERS: Final = ("asc", "desc")
STATUSES: Final[Mapping[str, tuple[Status, ...]]] = {
    "waiting": (Status.WAITING, Status.UNCLAIMED),
    "paid": (Status.PAID,),
    "cancelled": (Status.CANCELLED,),
    "expired": (Status.EXPIRED,),
}
"""What the shown ones are stored as."""
ORDER_STATUSES: Final[Mapping[str, tuple[Status, ...]]] = {
    **STATUSES,
    "unclaimed": (Status.UNCLAIMED,),
    "waiting": (Status.WAITING,),
}
"""The same for orders, of which it matters whether a payer is tied to them."""
_HASH: Final = re.compile(r"[0-9a-fA-F]{1,128}")


def parse_extract(query: Mapping[str, str]) -> Extract:
    """Return the part of a list that query parameters ask for.

    Raises:
        InvalidInput: a value is not allowed.
    """
    order, after, before = query.get("order") or ORDERS[0], query.get("after"), query.get("before")
    if order not in ORDERS:
        raise InvalidInput(f"order must be one of: {', '.join(ORDERS)}")
    if after and before:
        raise InvalidInput("after and before cannot be given together: a page is next to one invoice")
    return Extract(parse_limit(query.get("limit", "")), order == "desc", _invoice_id(after), _invoice_id(before))


def parse_order_filter(query: Mapping[str, str], chains: Chains) -> InvoiceFilter:
    """Return, as `parse_filter` does, a filter that only orders pass; `status` may also be `unclaimed`."""
    return replace(parse_filter(query, chains, ORDER_STATUSES), orders=True)


def parse_filter(
    query: Mapping[str, str], chains: Chains, statuses: Mapping[str, tuple[Status, ...]] = STATUSES
) -> InvoiceFilter:
    """Return the filter that query parameters ask for. `address` may be any form of an address.

    Raises:
        InvalidInput: a value is not allowed.
    """
    given = {name: query[name] for name in FILTERS if query.get(name)}
    texts = {name: bounded_text(value, name, MAX_MERCHANT_ID) for name, value in given.items()}
    status, tx_hash, address = texts.get("status"), texts.get("tx_hash"), texts.get("address")
    return InvoiceFilter(
        statuses=_statuses(status, statuses) if status else None,
        ticker=texts.get("currency"),
        since=parse_moment(given, "since"),
        until=parse_moment(given, "until"),
        order_id=texts.get("order_id"),
        customer_id=texts.get("customer_id"),
        tx_hash=_hash(tx_hash) if tx_hash else None,
        payers=chains.address_forms(address) if address else None,
    )


def _statuses(text: str, statuses: Mapping[str, tuple[Status, ...]]) -> list[Status]:
    names = text.split(",")
    if not statuses.keys() >= set(names):
        raise InvalidInput(f"status must be one or several of: {', '.join(statuses)}, with commas between them")
    return [status for name in names for status in statuses[name]]


def _hash(text: str) -> str:
    if not _HASH.fullmatch(text):
        raise InvalidInput("tx_hash must be hexadecimal, 128 digits at most")
    return text.lower()


def _invoice_id(text: str | None) -> UUID | None:
    return parse_invoice_id(text) if text else None
