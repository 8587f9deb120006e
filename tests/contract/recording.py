"""The ledger as the contract has it, in memory; and an adapter at work on it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from harvester.chain import MAX_BATCH_TRANSFERS, Account, Adapter, Batch, Destination, Position
from harvester.domain.errors import CursorConflict
from harvester.domain.payment import Transfer

PATIENCE_SECS: Final = 30
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass
class RecordingLedger:
    """Keeps the contract's promises in memory, and can be told to break down."""

    open_since: datetime | None = None
    cursors: dict[Account, str] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    notes: dict[tuple[str, str], bytes] = field(default_factory=dict)
    destinations: Sequence[Destination] = ()
    """What is to be watched besides what the adapter is configured for."""
    faults: list[Exception] = field(default_factory=list)
    """Raised, one a call, instead of recording."""
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def position(self, account: Account) -> Position:
        """See `harvester.chain.Ledger`."""
        return Position(self.cursors.get(account), None, self.open_since)

    async def further_destinations(self, chain: str) -> Sequence[Destination]:
        """See `harvester.chain.Ledger`."""
        del chain
        return self.destinations

    async def recall(self, chain: str, name: str) -> bytes | None:
        """See `harvester.chain.Ledger`."""
        return self.notes.get((chain, name))

    async def remember(self, chain: str, name: str, value: bytes) -> None:
        """See `harvester.chain.Ledger`."""
        self.notes[chain, name] = value

    async def record(self, batch: Batch) -> None:
        """See `harvester.chain.Ledger`."""
        if self.faults:
            raise self.faults.pop()
        if self.cursors.get(batch.account) != batch.cursor_from:
            raise CursorConflict("moved")
        async with self.news:
            self.cursors[batch.account] = batch.cursor_to
            self.batches.append(batch)
            self.news.notify_all()

    @property
    def scanned_until(self) -> datetime:
        """The newest watermark there has been; a moment before all time if there has been none."""
        return max((batch.scanned_until for batch in self.batches if batch.scanned_until), default=LONG_AGO)

    @property
    def transfers(self) -> Sequence[Transfer]:
        """All that was handed over, in order."""
        return [transfer for batch in self.batches for transfer in batch.transfers]

    async def until(self, count: int) -> Sequence[Transfer]:
        """Wait for `count` transfers that are not ignored, and return them."""

        def counted() -> list[Transfer]:
            return [transfer for transfer in self.transfers if not transfer.ignored]

        async with asyncio.timeout(PATIENCE_SECS), self.news:
            await self.news.wait_for(lambda: len(counted()) >= count)
        return counted()

    async def until_scanned(self, moment: datetime) -> None:
        """Wait until every account that was heard of has been scanned past `moment`."""

        def scanned() -> bool:
            latest: dict[Account, datetime] = {}
            for batch in self.batches:
                if batch.scanned_until:
                    latest[batch.account] = batch.scanned_until
            return bool(latest) and all(until > moment for until in latest.values())

        async with asyncio.timeout(PATIENCE_SECS), self.news:
            await self.news.wait_for(scanned)

    async def until_at(self, destinations: Collection[Destination]) -> None:
        """Wait until all these have been scanned."""

        def been() -> set[Destination]:
            return {Destination(each.account.pay_to_address, each.account.asset) for each in self.batches}

        async with asyncio.timeout(PATIENCE_SECS), self.news:
            await self.news.wait_for(lambda: been() >= set(destinations))

    def check_joined(self) -> None:
        """Fail if batches leave gaps, or are too large."""
        heads: dict[Account, str | None] = {}
        for batch in self.batches:
            assert batch.cursor_from == heads.get(batch.account)
            assert len(batch.transfers) <= MAX_BATCH_TRANSFERS
            heads[batch.account] = batch.cursor_to


@asynccontextmanager
async def running(adapter: Adapter, ledger: RecordingLedger) -> AsyncIterator[None]:
    """Run `adapter` inside the block, and let it end in its own time."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(adapter.run(ledger, stop))
        try:
            yield
        finally:
            stop.set()
