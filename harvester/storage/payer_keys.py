"""Keys that payers have certified. Those of accounts that have not paid cost their owners nothing: they are bounded.

Who has paid is found out when a key is due to be dropped: recording payments knows nothing of keys.
"""

from datetime import datetime
from typing import Final

from harvester.chain import PayerKey
from harvester.storage.database import Connection

MAX_UNPAID: Final = 5_000
"""Keys of one chain whose accounts have paid nothing yet."""

PUT: Final = """
INSERT INTO payer_keys (chain, address, key, committed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (chain, address) DO UPDATE SET key = excluded.key, committed_at = excluded.committed_at
"""
GET: Final = "SELECT key FROM payer_keys WHERE chain = $1 AND address = $2"
# Null if one of the places where payments are awaited now has not been read at all.
READ_UNTIL: Final = """
SELECT CASE WHEN count(*) = count(scanned_until) THEN min(scanned_until) END
FROM destinations LEFT JOIN accounts USING (chain, pay_to_address, asset)
WHERE chain = $1 AND needed_at = (SELECT max(needed_at) FROM destinations WHERE chain = $1)
"""
NEWEST_TOO_MANY: Final = """
SELECT committed_at, address FROM payer_keys
WHERE chain = $1 AND NOT paid ORDER BY committed_at DESC, address DESC OFFSET $2 LIMIT 1
"""
# A key that is being replaced at this moment is not the one that is due: it is left alone.
SETTLE: Final = """
WITH due AS MATERIALIZED (
    SELECT address FROM payer_keys
    WHERE chain = $1 AND NOT paid AND (committed_at, address) <= ($2, $3)
    ORDER BY committed_at, address LIMIT $4
    FOR UPDATE SKIP LOCKED
), payers AS MATERIALIZED (
    SELECT address FROM due WHERE EXISTS (SELECT FROM payments WHERE payer = due.address AND chain = $1)
), kept AS (
    UPDATE payer_keys SET paid = true WHERE chain = $1 AND address = ANY (ARRAY(SELECT address FROM payers))
), dropped AS (
    DELETE FROM payer_keys
    WHERE chain = $1 AND address = ANY (ARRAY(SELECT address FROM due EXCEPT SELECT address FROM payers))
)
SELECT count(*) FROM due
"""


async def put(connection: Connection, chain: str, payer_key: PayerKey, now: datetime) -> None:
    """Store a key in the place of the account's last one."""
    await connection.execute(PUT, chain, payer_key.address, payer_key.key, now)


async def get(connection: Connection, chain: str, address: str) -> bytes | None:
    """Return the account's key, or None."""
    key: bytes | None = await connection.fetchval(GET, chain, address)
    return key


async def read_until(connection: Connection, chain: str) -> datetime | None:
    """Return the moment before which every payment on `chain`, to where any is awaited, is recorded; None: unknown."""
    moment: datetime | None = await connection.fetchval(READ_UNTIL, chain)
    return moment


async def settle_before(connection: Connection, chain: str, moment: datetime, at_most: int) -> int:
    """Look at keys committed before `moment`, at most so many: keep those whose accounts have paid, drop the others.

    Returns how many were looked at.
    """
    count: int = await connection.fetchval(SETTLE, chain, moment, "", at_most)
    return count


async def settle_too_many(connection: Connection, chain: str, at_most: int, unpaid: int = MAX_UNPAID) -> int:
    """Do the same with the oldest ones beyond `unpaid`."""
    row = await connection.fetchrow(NEWEST_TOO_MANY, chain, unpaid)
    if row is None:
        return 0
    count: int = await connection.fetchval(SETTLE, chain, row["committed_at"], row["address"], at_most)
    return count
