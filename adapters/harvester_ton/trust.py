"""The chain of trust at work: every masterchain block that is used is proven, from the operator's block on.

One task asks for a proof each time a lite server names a newer block, and asks the server that named it: what a liar
names troubles nobody else. What is proven is stored, so that a restart goes on from there and forgets nothing.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final, NoReturn

import structlog

from harvester.chain import Watched, unwatched
from harvester.domain.errors import ChainUnavailable
from harvester_ton import tl
from harvester_ton.errors import LiteServerError, NodeRefused, NodeUnwell
from harvester_ton.metrics import TonMetrics
from harvester_ton.node import Node
from harvester_ton.pool import Pool
from harvester_ton.status import Insistence, news
from harvester_ton.trust_notes import Contradiction, Notes, note_name, read_trusted, write_trusted
from harvester_ton.verification import Proven, Reason, Refused, TrustedBlock, start_from, verify_block_proof

CHAIN: Final = "ton"
LOOP: Final = "ton proofs"
STORE_EVERY_SECS: Final = 5.0
"""A new key block is stored at once, other blocks this often: losing those costs one proof after a restart."""
LONG_PROOF_BYTES: Final = 1 << 16
"""A longer proof is verified in a thread, so that the event loop goes on."""
MAX_REFUSED_ROUNDS: Final = 3
"""So often in a row, and before anything was proven, may all servers refuse before people are called."""

_log = structlog.get_logger(__name__)


LookAhead = Callable[[Node, tl.BlockId], Coroutine[None, None, None]]
"""Asks a lite server what will be needed of a block once it is proven. Raises nothing for the server's faults."""


async def look_at_nothing(_node: Node, _block: tl.BlockId) -> None:
    """Wait for the proof."""


class ChainOfTrust:
    """Proves the newest masterchain block again and again. `run` does the work; the rest answers from memory."""

    def __init__(self, pool: Pool, metrics: TonMetrics, watched: Watched = unwatched) -> None:
        self.trusted: TrustedBlock | None = None
        """What was proven last; None until the stored block was read."""
        self.look_ahead: LookAhead = look_at_nothing
        """Called with each block while its proof is on its way."""
        self._pool = pool
        self._metrics = metrics
        self._watched = watched
        self._insistence = Insistence("proof of blocks")
        self._newest: tl.BlockId | None = None
        """The newest proven block, once that is as new as a lite server has."""
        self._progress: str | None = None
        self._broken: str | None = None
        self._changed = asyncio.Event()
        self._confirmed = False
        """Whether a lite server has shown that the block we start from is in its chain."""
        self._refused_rounds = 0
        self._stored: TrustedBlock | None = None
        self._stored_at = 0.0

    @property
    def trouble(self) -> str | None:
        """Why no new block is proven at the moment; None if nothing hinders."""
        return self._broken or self._insistence.trouble or self._progress

    async def newer(self, seqno: int) -> tl.BlockId:
        """Wait for a proven masterchain block after `seqno` and return the newest.

        Raises:
            ChainUnavailable: what was proven is contradicted; there will be none.
        """
        while True:
            if self._broken is not None:
                raise ChainUnavailable(self._broken)
            if self._newest is not None and self._newest.seqno > seqno:
                return self._newest
            await self._changed.wait()

    async def run(self, anchor: TrustedBlock, notes: Notes | None) -> None:
        """Prove, from what `notes` hold or else from `anchor`, until cancelled or contradicted."""
        name = note_name(anchor)
        try:
            with self._watched(LOOP) as self._insistence.pulse:
                self._start(anchor, await self._insistence.insist(partial(_recall, notes, name)))
                while True:
                    await self._insistence.insist(partial(self._step, notes, name))
        except Contradiction as error:
            self._break(str(error))

    def _start(self, anchor: TrustedBlock, stored: bytes | None) -> None:
        self.trusted = self._stored = anchor if stored is None else read_trusted(stored)
        self._newest = None  # of an earlier run: another process may have scanned past it since
        _log.info(
            "Blocks are proven from here on",
            seqno=self.trusted.block.seqno,
            key_block=self.trusted.key_block.seqno,
            source="network config" if stored is None else "database",
        )

    async def _step(self, notes: Notes | None, name: str) -> None:
        """Prove the newest block that anybody names, or wait for news."""
        self._distrust_strays()
        naming = [(node, head) for node in self._pool.usable() if (head := node.head) and self._is_news(head)]
        if not naming:
            await news(self._pool.changed())
            return
        faults: list[LiteServerError] = []
        for node, head in naming:
            try:
                await self._prove(node, head, notes, name)
            except LiteServerError as error:
                faults.append(error)
            else:
                self._refused_rounds = 0
                self._metrics.trust_broken.set(0)
                return
        self._fail(faults)

    def _is_news(self, head: tl.BlockId) -> bool:
        """Whether to prove `head`. At the start a block as high as the stored one is news too: it may be another."""
        if self.trusted is None:
            return False
        ahead = head.seqno - self.trusted.block.seqno
        return ahead > 0 or (ahead == 0 and self._newest is None)

    def _distrust_strays(self) -> None:
        """Put servers aside that name another block in the place of the one that is proven."""
        for node in self._pool.usable():
            head, proven = node.head, self._newest
            if head and proven and head.seqno == proven.seqno and head != proven:
                node.distrust(Refused(Reason.UNPROVEN, f"names another block {head.seqno} than the proven one"))

    async def _prove(self, node: Node, head: tl.BlockId, notes: Notes | None, name: str) -> None:
        """Lead the chain of trust up to `head`, which `node` names, by its answers."""
        if not self._confirmed:
            await self._confirm(node)
        while self._trusted().block != head:
            trusted = self._trusted()
            answer = await self._ask(node, trusted, head)
            proven = await self._verify(node, trusted, head, answer)
            self._insistence.pulse.success()
            self.trusted = proven.blocks[-1]
            if not proven.complete:
                self._report_progress(head)
                await self._store(notes, name)
        self._arrive(head)
        await self._store(notes, name)

    async def _ask(self, node: Node, trusted: TrustedBlock, head: tl.BlockId) -> bytes:
        """Return what `node` answers as the proof of `head`, which it has named, and look ahead meanwhile."""
        looking = asyncio.create_task(self.look_ahead(node, head), name="look ahead")
        try:
            answer = await node.ask(tl.get_block_proof(trusted.key_block, head), bytes)
            await looking
        finally:
            looking.cancel()
            await asyncio.wait([looking])
        return answer

    async def _confirm(self, node: Node) -> None:
        """See that the block we start from still is in the chain: the next proofs only follow its key block."""
        trusted = self._trusted()
        if trusted.block != trusted.key_block:
            answer = await node.ask(tl.get_block_proof(trusted.key_block, trusted.block), bytes)
            await self._verify(node, start_from(trusted.key_block), trusted.block, answer)
        self._confirmed = True

    async def _verify(self, node: Node, trusted: TrustedBlock, head: tl.BlockId, answer: bytes) -> Proven:
        try:
            if len(answer) > LONG_PROOF_BYTES:
                proven = await asyncio.to_thread(verify_block_proof, trusted, head, answer)
            else:
                proven = verify_block_proof(trusted, head, answer)
        except Refused as refusal:
            if refusal.reason is Reason.CONTRADICTION:
                self._metrics.proof_checks.labels(refusal.reason).inc()
                raise Contradiction(str(refusal)) from refusal
            node.distrust(refusal)
            raise NodeUnwell(f"lite server {node.name}: {refusal}") from None
        self._metrics.proof_checks.labels("ok").inc()
        return proven

    def _trusted(self) -> TrustedBlock:
        if self.trusted is None:
            raise ChainUnavailable("the trusted block is not known yet")
        return self.trusted

    def _arrive(self, head: tl.BlockId) -> None:
        if self._progress is not None:
            _log.info("All blocks are proven", seqno=head.seqno)
        self._newest, self._progress = head, None
        self._metrics.proven_seqno.set(head.seqno)
        self._wake()

    def _report_progress(self, head: tl.BlockId) -> None:
        seqno = self._trusted().block.seqno
        self._progress = f"proving blocks: at seqno {seqno} of {head.seqno}"
        self._metrics.proven_seqno.set(seqno)
        _log.info("Proving blocks", seqno=seqno, target=head.seqno)

    async def _store(self, notes: Notes | None, name: str) -> None:
        trusted, stored, now = self._trusted(), self._stored, time.monotonic()
        new_key_block = stored is None or stored.key_block != trusted.key_block
        if notes is None or trusted == stored or not (new_key_block or now - self._stored_at >= STORE_EVERY_SECS):
            return
        await notes.remember(CHAIN, name, write_trusted(trusted))
        self._stored, self._stored_at = trusted, now

    def _fail(self, faults: list[LiteServerError]) -> NoReturn:
        """Say why no server's block could be proven; call people if all refuse from the start on."""
        all_refuse = all(isinstance(fault, NodeRefused) for fault in faults)
        self._refused_rounds = self._refused_rounds + 1 if all_refuse and self._newest is None else 0
        trusted = self._trusted()
        reason = f"no lite server proves a block after the trusted block {trusted.block.seqno}: {faults[-1]}"
        if self._refused_rounds >= MAX_REFUSED_ROUNDS:
            reason += f"; do they serve another network? (trusted key block {_text(trusted.key_block)})"
            if self._refused_rounds == MAX_REFUSED_ROUNDS:
                self._metrics.trust_broken.set(1)
                _log.critical("No lite server knows the trusted block: nothing is scanned", reason=reason)
        raise ChainUnavailable(reason)

    def _break(self, reason: str) -> None:
        """Stop for good: what validators have signed contradicts what they had signed before."""
        self._broken = f"the chain contradicts what was proven before, nothing is scanned any more: {reason}"
        self._metrics.trust_broken.set(1)
        _log.critical("The chain contradicts what was proven before: nothing is scanned any more", reason=reason)
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


async def _recall(notes: Notes | None, name: str) -> bytes | None:
    return await notes.recall(CHAIN, name) if notes is not None else None


def _text(block: tl.BlockId) -> str:
    return f"{block.seqno} {block.root_hash.hex()}"
