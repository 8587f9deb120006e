"""Endpoints: where events are told. The environment names one; its row has that name."""

from datetime import datetime
from typing import Final

from harvester.storage.database import Connection

ENVIRONMENT: Final = "environment"

UPSERT: Final = """
INSERT INTO endpoints (id, name, url, enabled, created_at, updated_at)
VALUES (gen_random_uuid(), $1, $2, true, $3, $3)
ON CONFLICT (name) DO UPDATE SET url = excluded.url, enabled = true, updated_at = excluded.updated_at
WHERE endpoints.url <> excluded.url OR NOT endpoints.enabled
"""
DISABLE: Final = "UPDATE endpoints SET enabled = false, updated_at = $2 WHERE name = $1 AND enabled"


async def ensure_environment_endpoint(connection: Connection, url: str | None, now: datetime) -> None:
    """Make the endpoint that the environment names what it says; idempotent.

    Its pending deliveries go to the new `url`. None disables it: nothing more is recorded for it, and what is pending
    stays until it is enabled again. A start with a URL also enables one that answered 410 before.
    """
    if url is None:
        await connection.execute(DISABLE, ENVIRONMENT, now)
    else:
        await connection.execute(UPSERT, ENVIRONMENT, url, now)
