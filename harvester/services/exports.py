"""Payments and invoices as tables for accounting: CSV, made page by page, so that any number of rows needs no room.

Amounts are whole units; where the decimals of an asset are not known, only base units. A value is what the money was
worth when it came: in `currency`, at the last rate that was made not after the chain time of the payment and was valid
then, rounded half to even to two decimals. Where there was no such rate it is empty.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from harvester.domain.money import format_amount
from harvester.domain.rates import plain, value_of
from harvester.services.chains import Chains
from harvester.services.csv_text import csv_bytes
from harvester.services.invoicing import LAST_MOMENT
from harvester.storage import exports
from harvester.storage.database import Connection, Database
from harvester.storage.exports import Row

PAGE: Final = 500
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
PAYMENT_COLUMNS: Final = (
    *("time", "tx_hash", "transfer_index", "payer", "amount", "ticker", "class", "standing", "invoice_id", "order_id"),
    *("currency", "value", "rate", "rate_at", "rate_source", "payment_id", "chain", "asset", "amount_base_units"),
    "confirmed",
)
INVOICE_COLUMNS: Final = (
    *("invoice_id", "order_id", "customer_id", "status", "created_at", "expires_at", "amount", "received", "ticker"),
    *("price", "price_currency", "price_rate", "price_rate_at", "price_rate_source", "paid_at", "paid_by", "tx_hash"),
    *("currency", "received_value", "rate", "rate_at", "rate_source", "chain", "asset", "amount_base_units"),
    *("received_base_units", "credited", "credited_value", "credited_base_units"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows an export has, and in which currency money is valued."""

    since: datetime = _FIRST
    """Inclusive: chain time of payments, creation of invoices."""
    until: datetime = LAST_MOMENT
    """Exclusive."""
    currency: str | None = None
    """Upper-case code; None: nothing is valued."""


class Exports:
    """Tables as pieces of CSV, the first one with the names of the columns. Close the iterators (`aclosing`).

    What is recorded while an export runs may be missing in it. All may raise Unavailable, in the middle too.
    """

    def __init__(self, database: Database, chains: Chains) -> None:
        self._database = database
        self._chains = chains

    def payments(self, wanted: Wanted) -> AsyncGenerator[bytes, None]:
        """Yield payments in the order of chain time."""

        async def page(connection: Connection, last: Row | None) -> Sequence[Row]:
            after = (last["came_at"], last["id"]) if last else (wanted.since, 0)
            return await exports.payments(connection, after, wanted.until, PAGE, wanted.currency)

        return self._pages(PAYMENT_COLUMNS, page, lambda row: self._payment(row, wanted.currency))

    def invoices(self, wanted: Wanted) -> AsyncGenerator[bytes, None]:
        """Yield invoices in the order of creation; one that is paid is valued as of the payment that settled it."""

        async def page(connection: Connection, last: Row | None) -> Sequence[Row]:
            after = (last["created_at"], last["id"]) if last else (wanted.since, UUID(int=0))
            return await exports.invoices(connection, after, wanted.until, PAGE, wanted.currency)

        return self._pages(INVOICE_COLUMNS, page, lambda row: _invoice(row, wanted.currency))

    async def _pages(
        self,
        columns: Sequence[str],
        page: Callable[[Connection, Row | None], Awaitable[Sequence[Row]]],
        cells: Callable[[Row], Sequence[object]],
    ) -> AsyncGenerator[bytes, None]:
        head, last, more = csv_bytes([columns]), None, True
        while more:
            async with self._database.connection() as connection:
                rows = await page(connection, last)
            yield head + csv_bytes(map(cells, rows))
            head, last, more = b"", rows[-1] if rows else None, len(rows) == PAGE

    def _payment(self, row: Row, currency: str | None) -> Sequence[object]:
        ticker, decimals = self._unit(row)
        amount = row["amount"]
        return (
            row["came_at"],
            row["tx_hash"],
            row["transfer_index"],
            row["payer"],
            None if decimals is None else format_amount(amount, decimals),
            ticker,
            row["class"],
            row["standing"],
            row["invoice_id"],
            row["order_id"],
            *_valued(row, currency, amount, decimals),
            row["id"],
            row["chain"],
            row["asset"],
            amount,
            "yes" if row["confirmed"] else "no",
        )

    def _unit(self, row: Row) -> tuple[str | None, int | None]:
        """Return ticker and decimals of a payment's asset: as it is configured, or as its invoice says."""
        configured = self._chains.find_currency(row["chain"], row["asset"])
        return (configured.ticker, configured.decimals) if configured else (row["ticker"], row["decimals"])


def _invoice(row: Row, currency: str | None) -> Sequence[object]:
    decimals = row["decimals"]
    _, credited_value, *_ = _valued(row, currency, row["credited"], decimals)
    return (
        row["id"],
        row["order_id"],
        row["customer_id"],
        row["status"],
        row["created_at"],
        row["expires_at"],
        format_amount(row["amount"], decimals),
        format_amount(row["received"], decimals),
        row["ticker"],
        row["price_amount"],
        row["price_currency"],
        row["rate"],
        row["rate_at"],
        row["rate_source"],
        row["paid_at"],
        row["paid_by"],
        row["tx_hash"],
        *_valued(row, currency, row["received"], decimals),
        row["chain"],
        row["asset"],
        row["amount"],
        row["received"],
        format_amount(row["credited"], decimals),
        credited_value,
        row["credited"],
    )


def _valued(row: Row, currency: str | None, amount: int, decimals: int | None) -> tuple[Any, ...]:
    """Return currency, value, rate, when it was made and by whom; nothing but the currency where there is no rate."""
    if row["quote"] is None or decimals is None:
        return currency, None, None, None, None
    value = plain(value_of(amount, Decimal(row["quote"]), decimals))
    return currency, value, row["quote"], row["quote_at"], row["quote_source"]
