"""Hot wallets that may report payments, and the nonces they have used."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from harvester.chain.desk import Badge, Wallet
from harvester.domain.errors import BadgeRefused
from harvester.storage.database import Connection, row_count

ADD: Final = """
INSERT INTO wallets (chain, address, ip_address, last_nonce, added_at) VALUES ($1, $2, $3::text::inet, $4, $5)
ON CONFLICT DO NOTHING
"""
REMOVE: Final = "DELETE FROM wallets WHERE chain = $1 AND address = $2"
LIST: Final = """
SELECT chain, address, host(ip_address) AS ip_address, last_nonce FROM wallets
WHERE chain = $1 ORDER BY address LIMIT $2
"""
# Whoever comes second waits here for the first, and then finds the nonce used.
TAKE: Final = """
UPDATE wallets SET last_nonce = $3
WHERE chain = $1 AND address = $2 AND last_nonce < $3 AND ($4::text IS NULL OR ip_address = $4::text::inet)
"""
MOST: Final = 1_000


async def add(connection: Connection, wallet: Wallet, now: datetime) -> bool:
    """Let the wallet report from its host, with nonces greater than its last; False: it may already."""
    added = await connection.execute(ADD, wallet.chain, wallet.address, wallet.ip_address, wallet.last_nonce, now)
    return row_count(added) == 1


async def remove(connection: Connection, chain: str, address: str) -> bool:
    """Let the wallet report no more; say whether it could."""
    return row_count(await connection.execute(REMOVE, chain, address)) == 1


async def all_wallets(connection: Connection, chain: str) -> Sequence[Wallet]:
    """Return the wallets of `chain` by address; at most MOST."""
    return [Wallet(**row) for row in await connection.fetch(LIST, chain, MOST)]


async def take(connection: Connection, badge: Badge) -> None:
    """Use the badge's nonce: it is used when the transaction commits, and only then.

    Raises:
        BadgeRefused: the wallet is unknown or elsewhere, or the nonce is not greater than the last one.
    """
    tag = await connection.execute(TAKE, badge.chain, badge.address, badge.nonce, badge.ip_address)
    if row_count(tag) != 1:
        raise BadgeRefused("the wallet is not authorised, is elsewhere, or its nonce was used")
