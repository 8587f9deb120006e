"""How far each watched account has been scanned. The cursor is compared and set: whoever comes second loses."""

from datetime import datetime
from typing import Final

from harvester.chain import Account, Batch, Position
from harvester.domain.errors import CursorConflict
from harvester.storage.database import Connection, row_count

POSITION: Final = """
SELECT cursor, scanned_until, (
    SELECT min(created_at) FROM invoices
    WHERE chain = $1 AND pay_to_address = $3 AND asset = $4 AND status IN ('unclaimed', 'waiting')
) AS open_since
FROM (VALUES (1)) AS always LEFT JOIN accounts ON chain = $1 AND address = $2
"""
START: Final = """
INSERT INTO accounts (chain, address, pay_to_address, asset, cursor, scanned_until, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (chain, address) DO NOTHING
"""
ADVANCE: Final = """
UPDATE accounts SET
    pay_to_address = $3, asset = $4, cursor = $5, scanned_until = greatest(scanned_until, $6), updated_at = $7
WHERE chain = $1 AND address = $2 AND cursor = $8
"""


async def position(connection: Connection, account: Account) -> Position:
    """Return how far `account` has been scanned, and since when invoices are open that are paid there."""
    row = await connection.fetchrow(POSITION, account.chain, account.address, account.pay_to_address, account.asset)
    if row is None:
        return Position(None, None, None)
    return Position(row["cursor"], row["scanned_until"], row["open_since"])


async def advance(connection: Connection, batch: Batch, now: datetime) -> None:
    """Move the cursor of the batch's account from `cursor_from` to `cursor_to`, and lock it until the transaction ends.

    Raises:
        CursorConflict: the stored cursor is another one.
    """
    account = batch.account
    values = (
        account.chain,
        account.address,
        account.pay_to_address,
        account.asset,
        batch.cursor_to,
        batch.scanned_until,
        now,
    )
    if batch.cursor_from is None:
        tag = await connection.execute(START, *values)
    else:
        tag = await connection.execute(ADVANCE, *values, batch.cursor_from)
    if row_count(tag) != 1:
        raise CursorConflict(f"the cursor of {account.chain} account {account.address} has moved")
