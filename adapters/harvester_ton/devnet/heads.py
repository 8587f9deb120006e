"""Telling waiters about new blocks."""

from __future__ import annotations

import asyncio


class Heads:
    """Wakes everyone who waits for the next block."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def announce(self) -> None:
        """A block was made."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def next(self) -> None:
        """Returns when the next block is announced."""
        await self._event.wait()
