"""Where invoices are to be paid, and when that was last so."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from harvester.chain import Destination
from harvester.storage.database import Connection

# The recursive part steps from one destination of open invoices to the next in their index, however many there are.
NOTE: Final = """
WITH RECURSIVE open AS (
    (SELECT pay_to_address, asset FROM invoices
     WHERE chain = $1 AND status IN ('unclaimed', 'waiting')
     ORDER BY pay_to_address, asset LIMIT 1)
    UNION ALL
    SELECT following.pay_to_address, following.asset
    FROM open CROSS JOIN LATERAL (
        SELECT pay_to_address, asset FROM invoices
        WHERE chain = $1 AND status IN ('unclaimed', 'waiting')
          AND (pay_to_address, asset) > (open.pay_to_address, open.asset)
        ORDER BY pay_to_address, asset LIMIT 1
    ) AS following
)
INSERT INTO destinations (chain, pay_to_address, asset, needed_at)
SELECT $1, pay_to_address, asset, $2
FROM (SELECT * FROM open UNION SELECT * FROM unnest($3::text[], $4::text[])) AS needed (pay_to_address, asset)
ORDER BY pay_to_address, asset
ON CONFLICT (chain, pay_to_address, asset) DO UPDATE SET needed_at = excluded.needed_at
"""
SELECT: Final = """
SELECT pay_to_address, asset FROM destinations WHERE chain = $1 AND needed_at >= $2 ORDER BY pay_to_address, asset
"""


async def note(connection: Connection, chain: str, configured: Sequence[Destination], now: datetime) -> None:
    """Note that the `configured` destinations, and those of all open invoices, are needed now."""
    await connection.execute(
        NOTE, chain, now, [each.pay_to_address for each in configured], [each.asset for each in configured]
    )


async def needed_since(connection: Connection, chain: str, since: datetime) -> Sequence[Destination]:
    """Return the destinations that were needed at that moment or later."""
    return [Destination(row["pay_to_address"], row["asset"]) for row in await connection.fetch(SELECT, chain, since)]
