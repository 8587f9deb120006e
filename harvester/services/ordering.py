"""Orders as a storefront places them: what may be in one, what it costs, and whether it is the one that is known."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from harvester.chain.desk import Lives, OrderDraft
from harvester.domain.errors import InvalidInput
from harvester.domain.identifiers import merchant_text
from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import Status
from harvester.domain.money import Currency, Price
from harvester.domain.rates import Pair, base_units
from harvester.services.chains import Chains
from harvester.services.invoicing import new_invoice
from harvester.services.rates import valid_rate
from harvester.storage.database import Connection

MAX_NOTE: Final = 5_000
OWN_RATE: Final = "itself"
"""Source of the rate 1, of a price in the currency that it is paid in."""


async def new_order(connection: Connection, chains: Chains, draft: OrderDraft, now: datetime, lives: Lives) -> Invoice:
    """Return the order that `draft` asks for, which nobody is tied to yet.

    Raises:
        InvalidInput: a member is not allowed, or the currency is unknown.
        NoRate: the price cannot be converted now.
    """
    merchant_text(draft.order_id, "order_id")
    merchant_text(draft.customer_id, "customer_id")
    if draft.alt_id is not None:
        merchant_text(draft.alt_id, "alt_id")
    if draft.note is not None and len(draft.note) > MAX_NOTE:
        raise InvalidInput(f"the note may have {MAX_NOTE} characters at most")
    currency = chains.currency(draft.ticker)
    price = await _price(connection, draft, currency, now)
    amount = base_units(price.amount, price.rate, currency.decimals) if price.amount else 0
    if amount > currency.max_amount:
        raise InvalidInput(f"the price is more than one transfer of {currency.ticker} can carry")
    return replace(
        new_invoice(chains, currency, amount, price, now, lives.unclaimed),
        status=Status.UNCLAIMED,
        created_at=min(draft.created_at, now),
        order_id=draft.order_id,
        customer_id=draft.customer_id,
        alt_id=draft.alt_id,
        note=draft.note and draft.note.replace("\0", ""),
    )


def difference(order: Invoice, draft: OrderDraft) -> str | None:
    """Return in what a known order differs from `draft`; None: it is the same. Its note may have been edited."""
    price = order.price
    pairs = {
        "order_id": (order.order_id, draft.order_id),
        "alt_id": (order.alt_id, draft.alt_id),
        "customer_id": (order.customer_id, draft.customer_id),
        "currency": (order.ticker, draft.ticker),
        "price": (price and (price.amount, price.currency), (draft.price_amount, draft.price_currency)),
    }
    return next((name for name, (known, given) in pairs.items() if known != given), None)


async def _price(connection: Connection, draft: OrderDraft, currency: Currency, now: datetime) -> Price:
    if not draft.price_amount.is_finite() or draft.price_amount < 0:
        raise InvalidInput("the price must be 0 or more")
    if draft.price_currency == currency.ticker:
        return Price(draft.price_amount, draft.price_currency, Decimal(1), OWN_RATE, now)
    rate = await valid_rate(connection, Pair(currency, draft.price_currency), now)
    return Price(draft.price_amount, draft.price_currency, rate.rate, rate.source, rate.created_at)
