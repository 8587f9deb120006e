"""Following one account: at each new block its state is read, and everything new is handed to the ledger.

Rules:
- The ledger's position is read after the chain's, as its contract demands, and decides where reading goes on. Nothing
  is remembered here that could disagree with it.
- Where facts come from, and what they must be proven by, is the source's business.
- Within one second of chain time an account without new transactions costs one question to a lite server. Once a
  second it costs one question to the ledger, and a batch if an invoice is open or the watermark is old.
- Whatever is unwell outside is asked again from the start; the ledger's cursor makes that safe.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Final

import structlog

from harvester.chain import Account, Batch, Ledger, Position
from harvester.domain.errors import ChainUnavailable
from harvester_ton import tl
from harvester_ton.address import split_address
from harvester_ton.history import (
    BEGINNING,
    Backlog,
    Cursor,
    Decode,
    Entry,
    Segment,
    batches,
    moment,
    parse_cursor,
)
from harvester_ton.shard_state import AccountAt
from harvester_ton.source import Source
from harvester_ton.start import Start
from harvester_ton.status import AccountStatus, news

IDLE_WATERMARK_SECS: Final = 30
"""How old, in chain time, the stored watermark may be while no invoice is open that it could end."""

Trust = Callable[[tl.BlockId, AccountAt], Awaitable[None]]
"""Raises ChainUnavailable while the account cannot be judged; any other error ends the scan."""

_log = structlog.get_logger(__name__)


async def trust_always(_block: tl.BlockId, _at: AccountAt) -> None:
    """Believe: the merchant's own wallet needs no checking."""


class Watcher:
    """Scans one account. `run` goes on until cancelled; a batch that is being recorded is finished first."""

    def __init__(
        self,
        status: AccountStatus,
        account: Account,
        decode: Decode,
        source: Source,
        ledger: Ledger,
        start: Start,
        trust: Trust = trust_always,
    ) -> None:
        self._status = status
        self._account = account
        self._address = tl.AccountAddress(*split_address(account.address))
        self._decode = decode
        self._source = source
        self._ledger = ledger
        self._start = start
        self._trust = trust
        self._seqno = 0
        self._seen: AccountAt | None = None

    async def run(self) -> None:
        """Scan the account at every new block."""
        while True:
            await self._status.insist(self._step)

    async def _step(self) -> None:
        block = await news(self._source.newer(self._seqno))
        if block is None:
            return
        at = await self._source.account_at(block, self._address, self._seen)
        if at != self._seen:
            await self._trust(block, at)
            await self._bring_to(at, await self._ledger.position(self._account))
        self._seqno, self._seen = block.seqno, at
        self._status.reached(moment(at.shard_time))

    async def _bring_to(self, at: AccountAt, position: Position) -> None:
        newest, until = Cursor(at.last_lt, at.last_hash), moment(at.shard_time)
        if position.cursor is None:
            done = await self._begin(newest, position)
        else:
            done = parse_cursor(position.cursor)
        if newest in (done, BEGINNING):
            if _is_due(position, until):
                await self._record(Batch(self._account, (), str(done), str(done), until))
            if newest != done:
                self._note_deletion()
        elif newest.lt <= done.lt:
            raise ChainUnavailable(
                f"the newest transaction is {newest.lt}, the stored cursor is at {done.lt}: "
                "the lite servers are behind, or serve another network than before"
            )
        else:
            await self._catch_up(done, newest, at)

    def _note_deletion(self) -> None:
        if self._seen is not None and self._seen.last_lt:
            _log.warning(
                "An account was deleted: what came to it in its last block cannot be read back",
                account=self._status.ticker,
                seen_lt=self._seen.last_lt,
            )

    async def _begin(self, newest: Cursor, position: Position) -> Cursor:
        start = await self._start.find(newest, position.open_since, self._page)
        await self._record(Batch(self._account, (), None, str(start), None))
        _log.info(
            "A new account is scanned", account=self._status.ticker, address=self._account.address, from_lt=start.lt
        )
        return start

    async def _catch_up(self, done: Cursor, newest: Cursor, at: AccountAt) -> None:
        """Read everything after `done` and hand it over; one segment is recorded while the next is read."""
        backlog = Backlog(done, newest)
        recording = _Background()
        try:
            while (wanted := backlog.wanted) is not None:
                page = await self._page(wanted, backlog.done)
                if (segment := backlog.take(page)) is not None:
                    await recording.finish()
                    recording.start(self._hand_over(segment, at, last=backlog.wanted is None))
            await recording.finish()
        finally:
            await recording.abandon()

    async def _page(self, first: Cursor, oldest: Cursor) -> Sequence[Entry]:
        self._status.pulse.beat()
        return await self._source.page(self._address, first, oldest, self._decode)

    async def _hand_over(self, segment: Segment, at: AccountAt, *, last: bool) -> None:
        if segment.reborn:
            _log.warning(
                "An account was deleted and made again: what it got between the cursor and its end cannot be read back",
                account=self._status.ticker,
                cursor_lt=segment.start.lt,
                first_lt=segment.entries[0].at.lt,
            )
        self._status.read(len(segment.entries))
        until = moment(at.shard_time) if last else None
        for batch in batches(self._account, segment, until, at.proof):
            await self._record(batch)
            if batch.scanned_until is not None:
                self._status.reached(batch.scanned_until)

    async def _record(self, batch: Batch) -> None:
        recording = asyncio.create_task(self._ledger.record(batch), name=f"record {self._status.ticker}")
        try:
            await asyncio.shield(recording)
        except asyncio.CancelledError:
            try:
                await asyncio.wait([recording])
            finally:
                recording.cancel()
            raise


class _Background:
    """At most one piece of work that goes on beside its owner, who must `finish` or `abandon` it."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Begin; the piece before must be finished."""
        self._task = asyncio.create_task(work, name="record a segment")

    async def finish(self) -> None:
        """Wait until it is done; raise what it raises."""
        if self._task is not None:
            await self._task
            self._task = None

    async def abandon(self) -> None:
        """Stop it where it may be stopped, and wait for that; its errors are of no interest any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _is_due(position: Position, until: datetime) -> bool:
    """Whether a watermark without transfers is worth a write: at once if it could end an invoice."""
    stored = position.scanned_until
    if stored is None:
        return True
    idle_secs = 0 if position.open_since is not None else IDLE_WATERMARK_SECS
    return until > stored and (until - stored).total_seconds() >= idle_secs
