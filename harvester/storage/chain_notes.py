"""What adapters keep between runs: small values by name, such as the last block that was proven."""

from datetime import datetime
from typing import Final

from harvester.domain.errors import InvariantBroken
from harvester.storage.database import Connection

MAX_VALUE_BYTES: Final = 1 << 20

RECALL: Final = "SELECT value FROM chain_notes WHERE chain = $1 AND name = $2"
REMEMBER: Final = """
INSERT INTO chain_notes (chain, name, value, updated_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (chain, name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
"""


async def recall(connection: Connection, chain: str, name: str) -> bytes | None:
    """Return the value, or None."""
    value: bytes | None = await connection.fetchval(RECALL, chain, name)
    return value


async def remember(connection: Connection, chain: str, name: str, value: bytes, now: datetime) -> None:
    """Store the value in the place of the last one."""
    if len(value) > MAX_VALUE_BYTES:
        raise InvariantBroken(f"a note of {len(value)} bytes, allowed are {MAX_VALUE_BYTES}")
    await connection.execute(REMEMBER, chain, name, value, now)
