"""Orders in PostgreSQL: invoices found by the storefront's ids, and by who owes them."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from harvester.domain.invoice import Invoice
from harvester.storage import invoices
from harvester.storage.database import Connection

# The id wins over the second name of another order, see `domain.account`.
FIND: Final = """
SELECT id FROM (
    SELECT id, 0 AS rank FROM invoices WHERE order_id = $1
    UNION ALL SELECT id, 1 FROM invoices WHERE $2 AND alt_id = $1
) AS found ORDER BY rank LIMIT 1
"""
OWED: Final = """
SELECT id FROM (
    SELECT id FROM (
        SELECT id FROM invoices
        WHERE customer_id = ANY ($1::text[]) AND chain = $2 AND asset = $3 AND status IN ('unclaimed', 'waiting')
        ORDER BY status = 'unclaimed', created_at, id LIMIT $4
    ) AS first
    UNION SELECT id FROM invoices
    WHERE id = $5 AND chain = $2 AND asset = $3 AND status IN ('unclaimed', 'waiting')
) AS owed
"""
OWED_IN_ALL: Final = """
SELECT coalesce(sum(amount - received), 0) FROM invoices
WHERE customer_id = ANY ($1::text[]) AND chain = $2 AND asset = $3 AND status IN ('unclaimed', 'waiting')
"""
TAKEN: Final = "SELECT id FROM invoices WHERE order_id = $1 UNION SELECT id FROM invoices WHERE alt_id = $2"
# Two that speak of one order, which one of them makes, wait for each other.
LOCK_REFERENCES: Final = """
SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended(reference, 71) AS key FROM unnest($1::text[]) AS reference ORDER BY key
) AS keys
"""
NAMED_BY: Final = """
SELECT payer, claimant FROM payments WHERE chain = $1 AND order_reference = ANY ($2::text[])
GROUP BY payer, claimant ORDER BY max(id) DESC LIMIT $3
"""
MOST_PAYERS: Final = 100
"""Payers that named one order and are looked at; the newest."""
MOST: Final = 1_000
"""Orders that are looked at in one transaction; what is left is looked at with the next money."""


async def find(connection: Connection, reference: str, *, strict: bool) -> UUID | None:
    """Return the invoice of the order of this id; unless `strict`, of this second name if no id matches."""
    found: UUID | None = await connection.fetchval(FIND, reference, not strict)
    return found


async def get(connection: Connection, reference: str, *, strict: bool) -> Invoice | None:
    """Return the order that `find` finds, or None."""
    invoice_id = await find(connection, reference, strict=strict)
    return await invoices.get(connection, invoice_id) if invoice_id else None


async def lock_references(connection: Connection, references: Sequence[str]) -> None:
    """Let nobody else make or name orders of these names until the transaction ends."""
    await connection.execute(LOCK_REFERENCES, references)


async def named_by(connection: Connection, chain: str, references: Sequence[str]) -> Sequence[tuple[str, str | None]]:
    """Return whose payments, confirmed or not, named an order so, and who signed for it: the last first, at most
    MOST_PAYERS.
    """
    rows = await connection.fetch(NAMED_BY, chain, references, MOST_PAYERS)
    return [(row["payer"], row["claimant"]) for row in rows]


async def taken(connection: Connection, order_id: str, alt_id: str | None) -> Sequence[UUID]:
    """Return the invoices that have one of these names."""
    return [row["id"] for row in await connection.fetch(TAKEN, order_id, alt_id)]


async def owed(connection: Connection, customer_ids: Sequence[str], chain: str, asset: str) -> int:
    """Return the base units of all open orders of these customers."""
    return int(await connection.fetchval(OWED_IN_ALL, customer_ids, chain, asset))


async def lock_owed(
    connection: Connection, customer_ids: Sequence[str], chain: str, asset: str, named: UUID | None = None
) -> Sequence[Invoice]:
    """Return, locked, at most MOST open orders of these customers, the first that are to be paid, and the order `named`
    if it is open; in no order.
    """
    rows = await connection.fetch(OWED, customer_ids, chain, asset, MOST, named)
    locked = await invoices.lock(connection, sorted(row["id"] for row in rows))
    # Those that were waited for may have been given to another customer meanwhile.
    whose = set(customer_ids)
    return [order for order in locked.values() if order.id == named or order.customer_id in whose]
