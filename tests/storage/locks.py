"""Seeing that somebody waits for a lock."""

import asyncio

import asyncpg

_WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


async def until_waiting(uri: str, count: int = 1) -> None:
    """Return when `count` sessions of the database at `uri` wait for locks."""
    looker = await asyncpg.connect(uri)
    try:
        async with asyncio.timeout(10):
            while await looker.fetchval(_WAITING) < count:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.01)
    finally:
        await looker.close()
