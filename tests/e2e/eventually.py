"""Waiting for what no event announces."""

import asyncio
from collections.abc import Awaitable, Callable

DEADLINE_SECS = 30.0
POLL_SECS = 0.02


async def eventually(check: Callable[[], Awaitable[bool]], what: str, deadline_secs: float = DEADLINE_SECS) -> None:
    """Return when `check` is true; fail, naming `what`, if it is not in time. What it raises is raised."""
    try:
        async with asyncio.timeout(deadline_secs):
            while not await check():  # noqa: ASYNC110 - what is looked at is in other processes
                await asyncio.sleep(POLL_SECS)
    except TimeoutError:
        raise AssertionError(f"not within {deadline_secs:g} s: {what}") from None
