"""Reading the webhook `orders/create`: only what is used must be there, and what is used is read strictly.

Source of the form: Shopify Admin REST API, resource Order. Amounts are decimal texts in the shop's currency.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from harvester.chain.desk import OrderDraft
from harvester.domain.errors import InvalidInput
from harvester.domain.identifiers import merchant_text
from harvester.domain.rates import MAX_PRICE_DIGITS, parse_currency

MAX_BYTES: Final = 1 << 18
MAX_NOTE: Final = 5_000
"""Characters of a note that are kept; what is longer is no claim, and must not cost the order."""
_GUEST: Final = "guest:"
"""Of the customer id of an order that nobody in particular has placed. Those of customers are numbers."""
_IDS: Final = range(1 << 64)
_PRICE: Final = re.compile(
    rf"(?:0|[1-9][0-9]{{0,{MAX_PRICE_DIGITS[0] - 1}}})(?:\.[0-9]{{1,{MAX_PRICE_DIGITS[1]}}})?", re.ASCII
)
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_order(body: bytes, price_member: str, ticker: str) -> OrderDraft:
    """Return the order that a webhook's body places, to be paid in the currency `ticker`.

    `price_member`: which of its members is the price. A price in `ticker`, in any case, needs no rate.

    Raises:
        InvalidInput: it is no such order; the message names the member.
    """
    order = _object(body)
    order_id = _id(order.get("id"), "id")
    currency = parse_currency(_text(order, "currency"))
    return OrderDraft(
        order_id=order_id,
        customer_id=_customer_id(order.get("customer")) or f"{_GUEST}{order_id}",
        ticker=ticker,
        price_amount=_price(_text(order, price_member), price_member),
        price_currency=ticker if currency == ticker.upper() else currency,
        created_at=_moment(_text(order, "created_at")),
        alt_id=_optional_text(order, "name"),
        note=(_optional_text(order, "note") or "")[:MAX_NOTE] or None,
    )


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:  # also not UTF-8, half of a surrogate pair, NaN, or nesting without end
        raise InvalidInput("the body must be JSON, in UTF-8") from None
    if not isinstance(found, dict):
        raise InvalidInput("the body must be a JSON object")
    return found


def _id(value: object, name: str) -> str:
    if type(value) is int and value in _IDS:
        return str(value)
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a whole number of 64 bits, or text")
    return merchant_text(value, name)


def _customer_id(customer: object) -> str | None:
    """Return the id of who has placed the order; None: a guest."""
    if customer is None:
        return None
    if not isinstance(customer, dict):
        raise InvalidInput("customer must be an object")
    return None if customer.get("id") is None else _id(customer["id"], "customer.id")


def _text(order: Mapping[str, Any], name: str) -> str:
    value = order.get(name)
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be text")
    return value


def _optional_text(order: Mapping[str, Any], name: str) -> str | None:
    return _text(order, name) or None if order.get(name) is not None else None


def _price(text: str, name: str) -> Decimal:
    if not _PRICE.fullmatch(text):
        raise InvalidInput(f"{name} must be a decimal number from 0 up, such as 12.50")
    return Decimal(text)


def _moment(text: str) -> datetime:
    try:
        if _RFC3339.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # the 31st of February; a moment before the year 1
        pass
    raise InvalidInput("created_at must be a moment as RFC 3339 writes it, with its offset from UTC")
