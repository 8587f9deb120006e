"""What was answered to requests that carry a key, so that a repeated one is answered and not done again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import asyncpg

from harvester.storage.database import Connection, row_count

MAX_ANSWER_BYTES: Final = 1 << 22
"""Several times what the largest body of a request can lead to."""
_UNIQUE: Final = "idempotency_keys_pkey"
_VALUES: Final = 5

FIND: Final = "SELECT id, body_hash, status, answer, created_at FROM idempotency_keys WHERE id = $1"
INSERT: Final = """
INSERT INTO idempotency_keys (id, body_hash, status, answer, created_at) VALUES ($1, $2, $3, $4, $5)
"""
PRUNE: Final = """
DELETE FROM idempotency_keys WHERE id = ANY (ARRAY(
    SELECT id FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
))
"""


class KeyTaken(Exception):
    """The same request has been done meanwhile: this one must not be, so its transaction must be undone."""


@dataclass(frozen=True, slots=True)
class Record:
    """A request that was done."""

    id: bytes
    """32 bytes that stand for who sent it, where to, and its key."""
    body_hash: bytes
    """SHA-256 of its body."""
    status: int
    """2xx."""
    answer: bytes = field(repr=False)
    """Body of the answer, at most MAX_ANSWER_BYTES."""
    created_at: datetime

    def values(self) -> Sequence[object]:
        """Return the columns."""
        return self.id, self.body_hash, self.status, self.answer, self.created_at


def keeping(statement: str, parameters: int) -> str:
    """Return what `statement` is that stores a record, too: one round trip for both. For `execute_keeping`.

    `statement` begins with WITH and has that many parameters.
    """
    places = ", ".join(f"${parameters + number}" for number in range(1, _VALUES + 1))
    head, _, tail = statement.partition("WITH ")
    record = f"record AS (INSERT INTO idempotency_keys (id, body_hash, status, answer, created_at) VALUES ({places}))"
    return f"{head}WITH {record}, {tail}"


async def execute_keeping(connection: Connection, statement: str, values: Sequence[object], record: Record) -> str:
    """Execute what `keeping` returned with these values, store the record, and return the statement's tag.

    Waits for others that do the same at the moment.

    Raises:
        KeyTaken: it has been done; a transaction that this is part of must be undone.
    """
    try:
        return await connection.execute(statement, *values, *record.values())
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _UNIQUE:
            raise
        raise KeyTaken from None


async def find(connection: Connection, record_id: bytes) -> Record | None:
    """Return what was done, or None."""
    row = await connection.fetchrow(FIND, record_id)
    return Record(**row) if row else None


async def insert(connection: Connection, record: Record) -> None:
    """Store what is done in this transaction. See `execute_keeping`."""
    await execute_keeping(connection, INSERT, (), record)


async def prune(connection: Connection, before: datetime, at_most: int) -> int:
    """Forget at most `at_most` of what was done before the moment `before`, oldest first; return how many."""
    return row_count(await connection.execute(PRUNE, before, at_most))
