"""Invoices in PostgreSQL. Every change of state is re-checked by the statement that writes it."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Final, cast
from uuid import UUID

import asyncpg

from harvester.chain import Account
from harvester.domain.errors import InvariantBroken
from harvester.domain.events import Event
from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import OPEN, Status
from harvester.domain.money import Price
from harvester.storage.database import Connection, row_count
from harvester.storage.idempotency import Record, execute_keeping, keeping

# Amounts of a price have fractions, which `numeric` of this database has not: they travel as text.
_PRICE: Final = """
    CASE WHEN price_amount IS NOT NULL
    THEN ROW (price_amount::text, price_currency, rate::text, rate_source, rate_at) END AS price"""
COLUMNS: Final = ", ".join(_PRICE if field.name == "price" else field.name for field in fields(Invoice))
"""In the order of the fields: rows are read by position."""
_PRICE_STORED: Final = "price_amount, price_currency, rate, rate_source, rate_at"
STORED: Final = ", ".join(_PRICE_STORED if field.name == "price" else field.name for field in fields(Invoice))
"""All that the table has."""

# The invoice, its first event and what is told of it, in one statement: one round trip, one commit.
INSERT: Final = f"""
WITH invoice AS (
    INSERT INTO invoices ({STORED})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
            $22::text::numeric, $23, $24::text::numeric, $25, $26, $27, $28, $29, $30)
), event AS (
    INSERT INTO events (id, type, invoice_id, sequence, cause, created_at, body)
    VALUES ($31, $32, $1, $13, $33, $12, $34)
)
INSERT INTO deliveries (endpoint_id, event_id, invoice_id, sequence, status, due_at, created_at)
SELECT id, $31, $1, $13, 'pending', $12, $12 FROM endpoints WHERE enabled AND $32 = ANY (event_types)
"""
INSERT_KEEPING: Final = keeping(INSERT, 34)
SELECT_BY_ORDER: Final = "SELECT id FROM invoices WHERE order_id = $1"
SELECT_ONE: Final = f"SELECT {COLUMNS} FROM invoices WHERE id = $1"
LOCK: Final = f"SELECT {COLUMNS} FROM invoices WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE"
# An invoice that somebody else holds at this moment expires with the next batch: waiting for it could deadlock.
LOCK_DUE: Final = f"""
SELECT {COLUMNS} FROM invoices
WHERE chain = $1 AND pay_to_address = $2 AND asset = $3
  AND status IN ('unclaimed', 'waiting') AND expires_at < $4
ORDER BY expires_at LIMIT $5
FOR UPDATE SKIP LOCKED
"""
UPDATE: Final = """
UPDATE invoices SET
    status = changed.status, received = changed.received, updated_at = changed.updated_at,
    sequence = changed.sequence, paid_by = changed.paid_by, paid_at = changed.paid_at, tx_hash = changed.tx_hash,
    proof = changed.proof, customer_id = changed.customer_id, claimed_at = changed.claimed_at,
    expires_at = changed.expires_at, credited = changed.credited
FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::numeric[], $6::timestamptz[], $7::integer[],
            $8::text[], $9::timestamptz[], $10::text[], $11::json[], $12::text[], $13::timestamptz[],
            $14::timestamptz[], $15::numeric[])
    AS changed (id, old_status, old_sequence, status, received, updated_at, sequence, paid_by, paid_at, tx_hash,
                proof, customer_id, claimed_at, expires_at, credited)
WHERE invoices.id = changed.id
  AND invoices.status = changed.old_status AND invoices.sequence = changed.old_sequence
"""
COUNTED_AT_MOST: Final = 100_000
"""A number for people need not be exact beyond this, and is asked for every half a minute."""
OPEN_BY_STATUS: Final = f"""
SELECT status, count(*)
FROM (SELECT status FROM invoices WHERE status IN ('unclaimed', 'waiting') LIMIT {COUNTED_AT_MOST}) AS counted
GROUP BY status
"""


_READ: Final = attrgetter(*(field.name for field in fields(Invoice)))
_PRICE_AT: Final = [field.name for field in fields(Invoice)].index("price")
_FIELDS: Final = [vars(Invoice)[field.name].__set__ for field in fields(Invoice)]
_FILL_STATUS: Final = vars(Invoice)["status"].__set__
_FILL_PRICE: Final = vars(Invoice)["price"].__set__
_ONE_PER_ORDER: Final = "invoices_by_order"
_NO_PRICE: Final = (None,) * 5
_STATUSES: Final[dict[str, Status]] = {status.value: status for status in Status}


class OrderTaken(Exception):
    """Another invoice has this order_id."""


async def insert(connection: Connection, invoice: Invoice, event: Event, record: Record | None = None) -> int:
    """Store a new invoice, its first event, a delivery for each enabled endpoint, and the record, atomically.

    Returns how many deliveries were made.

    Raises:
        OrderTaken: nothing was stored; a transaction that this is part of must be left.
        KeyTaken: the same, because what is recorded has been done.
    """
    values = (*_to_row(invoice), event.id, event.type.value, event.cause, event.body)
    try:
        if record is None:
            tag = await connection.execute(INSERT, *values)
        else:
            tag = await execute_keeping(connection, INSERT_KEEPING, values, record)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _ONE_PER_ORDER:
            raise
        raise OrderTaken from None
    return row_count(tag)


async def of_order(connection: Connection, order_id: str) -> UUID | None:
    """Return the id of the invoice for this order, or None."""
    found: UUID | None = await connection.fetchval(SELECT_BY_ORDER, order_id)
    return found


async def get(connection: Connection, invoice_id: UUID) -> Invoice | None:
    """Return the invoice, or None."""
    row = await connection.fetchrow(SELECT_ONE, invoice_id)
    return from_row(row) if row else None


async def lock(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Invoice]:
    """Return those of `ids` that exist, locked until the transaction ends, always in the same order."""
    rows = await connection.fetch(LOCK, ids)
    return {row["id"]: from_row(row) for row in rows}


async def lock_due(
    connection: Connection, account: Account, scanned_until: datetime, limit: int
) -> dict[UUID, Invoice]:
    """Return, locked, at most `limit` open invoices paid at `account` whose life ended before `scanned_until`."""
    rows = await connection.fetch(LOCK_DUE, account.chain, account.pay_to_address, account.asset, scanned_until, limit)
    return {row["id"]: from_row(row) for row in rows}


async def count_open(connection: Connection) -> dict[Status, int]:
    """Return how many open invoices there are in each open state, counting up to `COUNTED_AT_MOST` in all."""
    found = {row["status"]: row["count"] for row in await connection.fetch(OPEN_BY_STATUS)}
    return {status: found.get(status.value, 0) for status in OPEN}


async def update(connection: Connection, changes: Sequence[tuple[Invoice, Invoice]]) -> None:
    """Write each (before, after), checking that the stored invoice is still in the state `before`.

    Raises:
        InvariantBroken: one is not, although its row is locked; nothing must be committed.
    """
    tag = await connection.execute(
        UPDATE,
        [before.id for before, _ in changes],
        [before.status.value for before, _ in changes],
        [before.sequence for before, _ in changes],
        [after.status.value for _, after in changes],
        [after.received for _, after in changes],
        [after.updated_at for _, after in changes],
        [after.sequence for _, after in changes],
        [after.paid_by for _, after in changes],
        [after.paid_at for _, after in changes],
        [after.tx_hash for _, after in changes],
        [after.proof for _, after in changes],
        [after.customer_id for _, after in changes],
        [after.claimed_at for _, after in changes],
        [after.expires_at for _, after in changes],
        [after.credited for _, after in changes],
    )
    if row_count(tag) != len(changes):
        raise InvariantBroken(f"of {len(changes)} locked invoices not all were in the expected state ({tag})")


def _to_row(invoice: Invoice) -> tuple[object, ...]:
    """Return the values of STORED."""
    values = _READ(invoice)
    price = _price_to_row(invoice.price) if invoice.price else _NO_PRICE
    return (*values[:_PRICE_AT], *price, *values[_PRICE_AT + 1 :])


def _price_to_row(price: Price) -> tuple[object, ...]:
    return str(price.amount), price.currency, str(price.rate), price.rate_source, price.rate_at


def from_row(row: asyncpg.Record) -> Invoice:
    """Return the invoice that a row of COLUMNS is."""
    # Pages are read row by row: filling the slots directly takes half as long as the constructor of a frozen class.
    invoice = object.__new__(Invoice)
    for fill, value in zip(_FIELDS, row.values(), strict=True):
        fill(invoice, value)
    _FILL_STATUS(invoice, _STATUSES[invoice.status])
    if invoice.price is not None:
        _FILL_PRICE(invoice, _price_from_row(*cast("tuple[str, str, str, str, datetime]", invoice.price)))
    return invoice


def _price_from_row(amount: str, currency: str, rate: str, rate_source: str, rate_at: datetime) -> Price:
    return Price(Decimal(amount), currency, Decimal(rate), rate_source, rate_at)
