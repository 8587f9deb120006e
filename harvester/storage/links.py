"""Which addresses belong to which customers. Links are never removed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from harvester.storage.database import Connection, row_count

LINK: Final = """
INSERT INTO address_customers (chain, address, customer_id, linked_at, cause) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
CUSTOMERS: Final = """
SELECT customer_id FROM address_customers WHERE chain = $1 AND address = $2 ORDER BY customer_id LIMIT $3
"""
ADDRESSES: Final = """
SELECT address FROM address_customers WHERE customer_id = $1 AND chain = $2 ORDER BY linked_at DESC, address LIMIT $3
"""
IS_LINKED: Final = """
SELECT EXISTS (SELECT FROM address_customers WHERE chain = $1 AND address = $2 AND customer_id = $3)
"""
MOST: Final = 1_000
"""More links than this of one address, or one customer, are not looked at: no honest one has so many."""


async def link(connection: Connection, chain: str, address: str, customer_id: str, now: datetime, cause: str) -> bool:
    """Link the address to the customer; say whether that is new. Idempotent."""
    return row_count(await connection.execute(LINK, chain, address, customer_id, now, cause)) == 1


async def is_linked(connection: Connection, chain: str, address: str, customer_id: str) -> bool:
    """Say whether the address belongs to the customer."""
    return bool(await connection.fetchval(IS_LINKED, chain, address, customer_id))


async def customers(connection: Connection, chain: str, address: str) -> Sequence[str]:
    """Return the customers that the address belongs to; at most MOST."""
    return [row["customer_id"] for row in await connection.fetch(CUSTOMERS, chain, address, MOST)]


async def addresses(connection: Connection, chain: str, customer_id: str) -> Sequence[str]:
    """Return the customer's addresses on `chain`, the newest first; at most MOST."""
    return [row["address"] for row in await connection.fetch(ADDRESSES, customer_id, chain, MOST)]
