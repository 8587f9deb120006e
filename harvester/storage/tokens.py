"""Tokens of the API in PostgreSQL. What is kept is of no use to who wants to send a request."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from harvester.domain.access import Scope, Token
from harvester.storage.database import Connection, row_count

USES_APART: Final = timedelta(minutes=1)

_COLUMNS: Final = "id, name, scopes, hash, old_hash, old_until, created_at, expires_at, last_used_at"
SELECT_ALL: Final = f"SELECT {_COLUMNS} FROM api_tokens WHERE revoked_at IS NULL ORDER BY name"
SELECT_ONE: Final = f"SELECT {_COLUMNS} FROM api_tokens WHERE revoked_at IS NULL AND id = $1"
SELECT_BY_NAME: Final = f"SELECT {_COLUMNS} FROM api_tokens WHERE revoked_at IS NULL AND (name = $1 OR id = $1)"
# The bound is not exact when several are made at the same moment; it need not be.
INSERT: Final = f"""
INSERT INTO api_tokens (id, name, scopes, hash, created_at, expires_at)
SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM api_tokens WHERE revoked_at IS NULL) < $7
ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
RETURNING {_COLUMNS}
"""
# These two tell all processes with the commit: they are rare, and must not be forgotten by who is about to end.
ROTATE: Final = f"""
UPDATE api_tokens SET
    hash = $2, expires_at = coalesce($5, expires_at),
    old_hash = CASE WHEN $3::timestamptz > $4::timestamptz THEN hash END,
    old_until = CASE WHEN $3 > $4 THEN $3 END
FROM pg_notify('harvester_tokens', '')
WHERE id = $1 AND revoked_at IS NULL
RETURNING {_COLUMNS}
"""
REVOKE: Final = """
UPDATE api_tokens SET revoked_at = $2, old_hash = NULL, old_until = NULL
FROM pg_notify('harvester_tokens', '')
WHERE id = $1 AND revoked_at IS NULL
"""
USED: Final = """
UPDATE api_tokens SET last_used_at = used.at
FROM unnest($1::text[], $2::timestamptz[]) AS used (id, at)
WHERE api_tokens.id = used.id AND (last_used_at IS NULL OR last_used_at <= used.at - $3::interval)
"""


async def all_tokens(connection: Connection) -> Sequence[Token]:
    """Return those that have not been revoked, by name."""
    return [_from_row(row) for row in await connection.fetch(SELECT_ALL)]


async def get(connection: Connection, token_id: str) -> Token | None:
    """Return the token, or None if there is none, or it has been revoked."""
    return _one(await connection.fetchrow(SELECT_ONE, token_id))


async def find(connection: Connection, name_or_id: str) -> Token | None:
    """Return the token of that name or id, or None."""
    return _one(await connection.fetchrow(SELECT_BY_NAME, name_or_id))


async def insert(connection: Connection, token: Token, at_most: int) -> Token | None:
    """Store a new token and return it; None if the name is taken or there are `at_most` already."""
    row = await connection.fetchrow(
        INSERT, token.id, token.name, _texts(token.scopes), token.hash, token.created_at, token.expires_at, at_most
    )
    return _one(row)


async def rotate(
    connection: Connection,
    token_id: str,
    new_hash: bytes,
    old_until: datetime,
    now: datetime,
    expires_at: datetime | None,
) -> Token | None:
    """Let another secret be good, and the present one until `old_until`, too; None: the token has been revoked.

    `expires_at` None leaves the end as it is.
    """
    return _one(await connection.fetchrow(ROTATE, token_id, new_hash, old_until, now, expires_at))


async def revoke(connection: Connection, token_id: str, now: datetime) -> bool:
    """Let the token be good for nothing any more; say whether it was there."""
    return row_count(await connection.execute(REVOKE, token_id, now)) == 1


async def note_uses(connection: Connection, uses: Mapping[str, datetime]) -> None:
    """Note when tokens (by id) were last used, if the last note is `USES_APART` old."""
    await connection.execute(USED, list(uses), list(uses.values()), USES_APART)


def _texts(scopes: Collection[Scope]) -> Sequence[str]:
    return [scope.value for scope in Scope if scope in scopes]


def _one(row: asyncpg.Record | None) -> Token | None:
    return _from_row(row) if row else None


def _from_row(row: asyncpg.Record) -> Token:
    columns = dict(row)
    return Token(**columns | {"scopes": frozenset(map(Scope, columns["scopes"]))})
