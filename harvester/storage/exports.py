"""Pages of payments and invoices for accounting, each with the rate at which its money was valued when it came.

That is the last rate made not after the payment's chain time, if it was still valid then. Rates and prices are read as
text: a connection takes `numeric` for whole numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from harvester.storage.database import Connection

_QUOTE: Final = """
LATERAL (
    SELECT rate::text AS quote, source AS quote_source, created_at AS quote_at, valid_until FROM rates
    WHERE rates.chain = money.chain AND rates.asset = money.asset AND rates.currency = $5
      AND rates.created_at <= money.came_at
    ORDER BY rates.created_at DESC, rates.number DESC LIMIT 1
) AS quotes ON quotes.valid_until > money.came_at
"""
PAYMENTS: Final = f"""
SELECT money.id, money.came_at, money.tx_hash, money.transfer_index, money.chain, money.asset, money.amount,
       money.payer, money.class, money.standing, money.confirmed, invoices.id AS invoice_id, invoices.order_id,
       CASE WHEN (invoices.chain, invoices.asset) = (money.chain, money.asset) THEN invoices.ticker END AS ticker,
       CASE WHEN (invoices.chain, invoices.asset) = (money.chain, money.asset) THEN invoices.decimals END AS decimals,
       quote, quote_source, quote_at
FROM (
    SELECT *, time AS came_at FROM payment_standings
    WHERE (time, id) > ($1, $2::bigint) AND time < $3 ORDER BY time, id LIMIT $4
) AS money
LEFT JOIN invoices ON invoices.id = coalesce(money.assigned_to, money.invoice_id)
LEFT JOIN {_QUOTE}
ORDER BY money.came_at, money.id
"""
INVOICES: Final = f"""
SELECT money.id, order_id, customer_id, status, created_at, expires_at, amount, received, credited, ticker, decimals,
       chain, asset, paid_at, paid_by, tx_hash, price_amount::text, price_currency, rate::text, rate_source, rate_at,
       quote, quote_source, quote_at
FROM (
    SELECT *, paid_at AS came_at FROM invoices
    WHERE (created_at, id) > ($1, $2::uuid) AND created_at < $3 ORDER BY created_at, id LIMIT $4
) AS money
LEFT JOIN {_QUOTE}
ORDER BY money.created_at, money.id
"""
Row = Mapping[str, Any]


async def payments(
    connection: Connection, after: tuple[datetime, int], until: datetime, limit: int, currency: str | None
) -> Sequence[Row]:
    """Return at most `limit` payments made before `until`, those beyond `after` in the order of chain time and id."""
    return _rows(await connection.fetch(PAYMENTS, *after, until, limit, currency))


async def invoices(
    connection: Connection, after: tuple[datetime, UUID], until: datetime, limit: int, currency: str | None
) -> Sequence[Row]:
    """Return at most `limit` invoices made before `until`, those beyond `after` in the order of creation and id."""
    return _rows(await connection.fetch(INVOICES, *after, until, limit, currency))


def _rows(records: Iterable[asyncpg.Record]) -> Sequence[Row]:
    return [dict(record) for record in records]
