"""Endpoints: where events are told. The environment names one; others are made by the operator or over the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from harvester.domain.webhooks import HOOK_SCHEME, Target
from harvester.storage.database import Connection, row_count

ENVIRONMENT: Final = "environment"
HOOK_PREFIX: Final = "hook."
"""Of the names of endpoints that are hooks."""

GONE: Final = "it answered 410 Gone"
_NOT_SET: Final = "WEBHOOK_ENDPOINT is not set"
_NOT_NAMED: Final = "HOOKS does not name it"
# What people have disabled stays so, whatever the settings say.
_ENABLED: Final = f"""(
    endpoints.enabled OR coalesce(endpoints.disabled_reason IN ('{GONE}', '{_NOT_SET}', '{_NOT_NAMED}'), true)
)"""
_WHY_NOT: Final = f"CASE WHEN NOT {_ENABLED} THEN endpoints.disabled_reason END"

UPSERT: Final = f"""
INSERT INTO endpoints (id, name, url, local, enabled, created_at, updated_at)
VALUES (gen_random_uuid(), $1, $2, true, true, $3, $3)
ON CONFLICT (name) WHERE removed_at IS NULL
DO UPDATE SET
    url = excluded.url, enabled = {_ENABLED}, disabled_reason = {_WHY_NOT}, updated_at = excluded.updated_at
WHERE endpoints.url <> excluded.url OR endpoints.enabled <> {_ENABLED}
"""
DISABLE: Final = f"""
UPDATE endpoints SET enabled = false, disabled_reason = '{_NOT_SET}', updated_at = $2
WHERE name = $1 AND removed_at IS NULL AND enabled
"""
UPSERT_HOOK: Final = f"""
INSERT INTO endpoints (id, name, url, event_types, local, enabled, created_at, updated_at)
SELECT gen_random_uuid(), hook.name, hook.url, string_to_array(hook.types, ' '), true, true, $4, $4
FROM unnest($1::text[], $2::text[], $3::text[]) AS hook (name, url, types)
ON CONFLICT (name) WHERE removed_at IS NULL
DO UPDATE SET
    url = excluded.url, event_types = excluded.event_types, enabled = {_ENABLED}, disabled_reason = {_WHY_NOT},
    updated_at = excluded.updated_at
WHERE endpoints.url <> excluded.url OR endpoints.enabled <> {_ENABLED}
   OR endpoints.event_types <> excluded.event_types
"""
DISABLE_HOOKS: Final = f"""
UPDATE endpoints SET enabled = false, disabled_reason = '{_NOT_NAMED}', updated_at = $2
WHERE url LIKE '{HOOK_SCHEME}:%' AND name <> ALL ($1::text[]) AND removed_at IS NULL AND enabled
"""

_COLUMNS: Final = """id, name, url, event_types, local, enabled, disabled_reason, secret, old_secret, old_secret_until,
    created_at, updated_at"""
SELECT_ALL: Final = f"SELECT {_COLUMNS} FROM endpoints WHERE removed_at IS NULL ORDER BY name"
SELECT_ONE: Final = f"SELECT {_COLUMNS} FROM endpoints WHERE removed_at IS NULL AND (name = $1 OR id::text = $1)"
# The bound is not exact when several are made at the same moment; it need not be.
INSERT: Final = f"""
INSERT INTO endpoints (id, name, url, event_types, local, enabled, secret, created_at, updated_at)
SELECT gen_random_uuid(), $1, $2, $3, $4, true, $5, $6, $6
WHERE (SELECT count(*) FROM endpoints WHERE removed_at IS NULL) < $7
ON CONFLICT (name) WHERE removed_at IS NULL DO NOTHING
RETURNING {_COLUMNS}
"""
UPDATE: Final = f"""
UPDATE endpoints SET
    url = coalesce($2, url), event_types = coalesce($3::text[], event_types), updated_at = $4
WHERE id = $1 AND removed_at IS NULL
RETURNING {_COLUMNS}
"""
SWITCH: Final = f"""
UPDATE endpoints SET
    enabled = $2, updated_at = $4,
    disabled_reason = CASE WHEN $2 THEN NULL WHEN {_ENABLED} THEN $3 ELSE disabled_reason END
WHERE id = $1 AND removed_at IS NULL
RETURNING {_COLUMNS}
"""
ROTATE: Final = f"""
UPDATE endpoints SET
    secret = $2, updated_at = $4::timestamptz,
    old_secret = CASE WHEN $3::timestamptz > $4 THEN secret END,
    old_secret_until = CASE WHEN $3 > $4 AND secret IS NOT NULL THEN $3 END
WHERE id = $1 AND removed_at IS NULL
RETURNING {_COLUMNS}
"""
REMOVE: Final = """
UPDATE endpoints SET
    removed_at = $2, updated_at = $2, enabled = false, disabled_reason = 'removed',
    secret = NULL, old_secret = NULL, old_secret_until = NULL
WHERE id = $1 AND removed_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events are told."""

    id: UUID
    name: str
    url: str = field(repr=False)
    """May hold secrets."""
    event_types: Sequence[str]
    """What it is told."""
    local: bool
    """The operator's own word: may be plain http and at a private address."""
    enabled: bool
    disabled_reason: str | None
    secret: str | None = field(repr=False)
    old_secret: str | None = field(repr=False)
    old_secret_until: datetime | None
    """Until then the secret before the present one signs, too."""
    created_at: datetime
    updated_at: datetime

    def target(self, now: datetime) -> Target:
        """Return what the sender needs at `now`."""
        old = self.old_secret if self.old_secret_until and self.old_secret_until > now else None
        return Target(self.name, self.url, self.local, tuple(secret for secret in (self.secret, old) if secret))


async def ensure_environment_endpoint(connection: Connection, url: str | None, now: datetime) -> None:
    """Make the endpoint that the environment names what it says; idempotent.

    Its pending deliveries go to the new `url`. None disables it: nothing more is recorded for it, and what is pending
    stays until it is enabled again. A start with a URL also enables one that answered 410 before, but none that
    somebody has disabled.
    """
    if url is None:
        await connection.execute(DISABLE, ENVIRONMENT, now)
    else:
        await connection.execute(UPSERT, ENVIRONMENT, url, now)


async def ensure_hook_endpoints(connection: Connection, hooks: Mapping[str, Sequence[str]], now: datetime) -> None:
    """Make endpoints of `hooks`, by name with the event types they want, and disable those of all others; idempotent.

    What is pending for a hook that is disabled stays until it is enabled again. One that somebody has disabled is not.
    """
    names = [HOOK_PREFIX + name for name in hooks]
    await connection.execute(DISABLE_HOOKS, names, now)
    urls = [f"{HOOK_SCHEME}:{name}" for name in hooks]
    await connection.execute(UPSERT_HOOK, names, urls, [" ".join(types) for types in hooks.values()], now)


async def all_endpoints(connection: Connection) -> Sequence[Endpoint]:
    """Return those that have not been removed, by name."""
    return [Endpoint(**row) for row in await connection.fetch(SELECT_ALL)]


async def find(connection: Connection, name_or_id: str) -> Endpoint | None:
    """Return the endpoint of that name or id, or None."""
    return _one(await connection.fetchrow(SELECT_ONE, name_or_id))


async def insert(
    connection: Connection,
    name: str,
    url: str,
    event_types: Sequence[str],
    secret: str,
    now: datetime,
    *,
    local: bool,
    at_most: int,
) -> Endpoint | None:
    """Make an endpoint and return it; None if the name is taken or there are `at_most` already."""
    return _one(await connection.fetchrow(INSERT, name, url, event_types, local, secret, now, at_most))


async def update(
    connection: Connection, endpoint_id: UUID, url: str | None, event_types: Sequence[str] | None, now: datetime
) -> Endpoint | None:
    """Give the endpoint another URL, other event types, or both, and return it; None: it has been removed."""
    return _one(await connection.fetchrow(UPDATE, endpoint_id, url, event_types, now))


async def switch(
    connection: Connection, endpoint_id: UUID, reason: str | None, now: datetime, *, enabled: bool
) -> Endpoint | None:
    """Enable the endpoint, or disable it for a reason, and return it; None: it was removed.

    The reason for which somebody has disabled it before stays.
    """
    return _one(await connection.fetchrow(SWITCH, endpoint_id, enabled, reason, now))


async def rotate(
    connection: Connection, endpoint_id: UUID, secret: str, old_until: datetime, now: datetime
) -> Endpoint | None:
    """Sign with `secret` from now on, and with the one before it until `old_until`, too; None: removed."""
    return _one(await connection.fetchrow(ROTATE, endpoint_id, secret, old_until, now))


async def remove(connection: Connection, endpoint_id: UUID, now: datetime) -> bool:
    """Remove the endpoint with its secrets; say whether it was there. What is pending is given up by and by."""
    return row_count(await connection.execute(REMOVE, endpoint_id, now)) == 1


def _one(row: asyncpg.Record | None) -> Endpoint | None:
    return Endpoint(**row) if row else None
