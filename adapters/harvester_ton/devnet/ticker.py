"""Making blocks: at once, or on their own at an interval."""

from __future__ import annotations

import asyncio

from harvester_ton.devnet.chain import Chain
from harvester_ton.devnet.heads import Heads
from harvester_ton.devnet.heights import Height


class Ticker:
    """Makes the blocks of one chain and announces them. `interval_secs` None: never on its own."""

    def __init__(self, chain: Chain, heads: Heads, interval_secs: float | None) -> None:
        self._chain, self._heads, self.interval_secs = chain, heads, interval_secs
        self._task: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()
        self._broken = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether blocks come on their own at the moment."""
        return self._task is not None

    def start(self) -> None:
        """Blocks come on their own from now on; may be repeated, and does nothing without an interval."""
        if self.interval_secs is not None and self._task is None:
            self._stopped.clear()
            self._task = asyncio.create_task(self._tick(self.interval_secs), name="local TON blocks")

    async def stop(self) -> None:
        """No more blocks on their own; may be repeated. Raises what broke the production of blocks, if anything."""
        task, self._task = self._task, None
        self._stopped.set()
        if task:
            await task

    async def next(self) -> None:
        """Returns with the next block. Raises what broke the production of blocks."""
        if self._task and self._task.done():
            await self._task
        await self._heads.next()

    async def run_until(self, stop: asyncio.Event) -> None:
        """Returns when `stop` is set, however often blocks are stopped before. Raises what broke their production."""
        waiting = [asyncio.create_task(event.wait(), name="wait for the end") for event in (stop, self._broken)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        if self._broken.is_set():
            await self.stop()

    def produce(self) -> Height:
        """Makes a block now."""
        height = self._chain.produce()
        self._heads.announce()
        return height

    async def _tick(self, interval_secs: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + interval_secs
        try:
            while not await self._stopped_before(due):
                self.produce()
                due = max(due + interval_secs, loop.time())
        except Exception:
            self._broken.set()
            raise
        finally:
            self._heads.announce()  # whoever waits for a block learns that none comes

    async def _stopped_before(self, due: float) -> bool:
        try:
            async with asyncio.timeout_at(due):
                return await self._stopped.wait()
        except TimeoutError:
            return False
