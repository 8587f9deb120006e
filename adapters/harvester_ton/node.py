"""One lite server under supervision: connected again and again, its newest block followed, its faults counted.

Rules:
- A node is usable while it is connected and has named its newest block.
- A timeout or closed connection ends the session; the next begins after a capped, jittered pause.
- Nonsense, and lagging behind the others, end it for longer: the node is put aside. An answer whose proof is refused
  ends it for longest.
- A refusal ends nothing: the connection is fine. Too many in a row do.
- While it is down there is one log line a minute, and one when it is back.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential, wait_random

from harvester.chain import UNHEARD, Pulse
from harvester.domain.errors import InvariantBroken
from harvester_ton import tl
from harvester_ton.cells import CellError
from harvester_ton.connection import Connection, connect
from harvester_ton.errors import NOT_READY_CODES, LiteServerError, NodeRefused, NodeUnwell
from harvester_ton.metrics import TonMetrics
from harvester_ton.network_config import NodeAddress
from harvester_ton.verification import Refused

NO_BLOCK_PAUSE_SECS: Final = 0.5
"""Before asking again a node that had no new block: one that says so at once must not be asked in a tight loop."""
RETRY_WAIT: Final = wait_exponential(multiplier=0.25, max=15) + wait_random(0, 0.5)
STEADY_SECS: Final = 30.0
"""A session that lasted this long starts the pauses from the shortest again."""
MAX_REFUSALS: Final = 4
"""In a row."""
CATCH_UP_WAIT_MS: Final = 3000
"""How long a node may wait for the block it is asked about; below the patience with a query."""
LOG_EVERY_SECS: Final = 60.0

NOT_TRIED: Final = "not connected yet"

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a lite server is waited for, in seconds."""

    connect: float = 5.0
    query: float = 4.0
    """For an answer; the next server is asked after it."""
    follow: float = 8.0
    """How long a node may hold the question for its next block; it gives up at 10 s by itself."""
    follow_grace: float = 2.0
    """For that answer to arrive."""
    aside: float = 5.0
    """Least time that a node is left alone after an answer that cannot be true."""
    distrust: float = 30.0
    """The same, after an answer whose proof is refused."""
    lag: float = 15.0
    """A node without a block that another has had for so long is put aside. Healthy ones trail by a few seconds."""


class Node:
    """A lite server. `run` supervises it until cancelled; `changed` is called when `head` or `fault` has changed."""

    def __init__(
        self,
        address: NodeAddress,
        metrics: TonMetrics,
        patience: Patience,
        changed: Callable[[], None],
        pulse: Pulse = UNHEARD,
    ) -> None:
        self.name = str(address)
        self.head: tl.BlockId | None = None
        """Its newest masterchain block; None while it is not usable."""
        self.fault: str | None = NOT_TRIED
        """Why it is not usable."""
        self.latency_secs = 0.0
        """Recent time to an answer."""
        self._address = address
        self._metrics = metrics
        self._patience = patience
        self._changed = changed
        self._pulse = pulse
        self._connection: Connection | None = None
        self._refusals = 0
        self._blame: str | None = None
        """Why the session must end."""
        self._aside_secs = 0.0
        self._logged_at = -LOG_EVERY_SECS
        self._reported = True
        """Whether the log calls it unusable, so that its return is news."""

    async def run(self, slots: asyncio.Semaphore) -> NoReturn:
        """Keep the node usable, holding one of `slots` while it is."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(LiteServerError), wait=self._pause_secs, before_sleep=self._report
        )
        async for attempt in retrying:
            with attempt:
                async with slots:
                    await self._session(attempt.retry_state)
        raise InvariantBroken("a session with a lite server ended without an error")

    async def ask(
        self, query: bytes, read: Callable[[bytes], _T], *, seqno: int = 0, timeout_secs: float | None = None
    ) -> _T:
        """Send `query` and return what `read` makes of the answer, waiting `timeout_secs` for it or as usual.

        `seqno`: the masterchain block the question is about; a node that is behind waits for it.
        An error of `read` (NodeUnwell, CellError, Refused) puts the node aside as its own faults do.

        Raises:
            NodeRefused: the node refused.
            NodeUnwell: no answer, or not a good one; the node is no longer usable.
        """
        if self._connection is None or self.head is None:
            raise NodeUnwell(f"lite server {self.name} is not usable: {self.fault}")
        started, aside_secs = time.monotonic(), 0.0
        if behind := self.head.seqno < seqno:
            query = tl.waiting_for(seqno, CATCH_UP_WAIT_MS, query)
        try:
            answer = await self._connection.query(query, timeout_secs or self._patience.query)
            aside_secs = self._patience.aside
            value = read(answer)
        except NodeRefused as refusal:
            self._refused(refusal, excused=behind and refusal.code in NOT_READY_CODES)
            raise
        except Refused as refusal:
            self.distrust(refusal)
            raise NodeUnwell(f"lite server {self.name}: {refusal}") from None
        except (NodeUnwell, CellError) as error:
            self._count("unwell")
            self.put_aside(str(error), aside_secs)
            raise NodeUnwell(f"lite server {self.name}: {error}") from None
        self._refusals = 0
        self._answered(time.monotonic() - started)
        return value

    def put_aside(self, reason: str, aside_secs: float) -> None:
        """End the session; the node is tried again after `aside_secs` at the earliest. The first reason stands."""
        if self._connection is not None and self._blame is None:
            self._blame, self._aside_secs = reason, aside_secs
            self._down(reason)
            self._connection.close()

    def distrust(self, refusal: Refused) -> None:
        """Put the node aside for an answer of its that is not proven."""
        self._count("unwell")
        self._metrics.proof_checks.labels(refusal.reason).inc()
        _log.warning("A lite server's answer is refused", node=self.name, code=refusal.reason, reason=str(refusal))
        self.put_aside(str(refusal), self._patience.distrust)

    async def _session(self, state: RetryCallState) -> None:
        self._blame, self._aside_secs, self._refusals = None, 0.0, 0
        self._connection = await connect(self._address, self._patience.connect)
        try:
            await self._follow(self._connection, state)
        except LiteServerError as error:
            raise NodeUnwell(self._blame or str(error)) from None
        finally:
            self._connection.close()
            self._connection = None
            self._down("not connected")

    async def _follow(self, connection: Connection, state: RetryCallState) -> None:
        started = time.monotonic()
        head = tl.read_masterchain_info(await connection.query(tl.get_masterchain_info(), self._patience.connect))
        while True:
            self._up(head)
            following = await self._next(connection, head)
            if following.seqno <= head.seqno:
                raise NodeUnwell(f"named block {following.seqno} after block {head.seqno}")
            head = following
            if time.monotonic() - started > STEADY_SECS:
                state.attempt_number = 1

    async def _next(self, connection: Connection, head: tl.BlockId) -> tl.BlockId:
        query = tl.waiting_for(head.seqno + 1, int(self._patience.follow * 1000), tl.get_masterchain_info())
        timeout_secs = self._patience.follow + self._patience.follow_grace
        while True:
            self._pulse.beat()
            try:
                return tl.read_masterchain_info(await connection.query(query, timeout_secs))
            except NodeRefused as refusal:
                if refusal.code not in NOT_READY_CODES:
                    raise
                await asyncio.sleep(NO_BLOCK_PAUSE_SECS)

    def _up(self, head: tl.BlockId) -> None:
        if self._blame is not None:
            raise NodeUnwell(self._blame)
        if self._reported:
            self._reported = False
            _log.info("A lite server is in use", node=self.name, seqno=head.seqno)
        self.head, self.fault = head, None
        self._pulse.success()
        self._metrics.node_up.labels(self.name).set(1)
        self._changed()

    def _down(self, reason: str) -> None:
        self.head, self.fault = None, self.fault or reason
        self._metrics.node_up.labels(self.name).set(0)
        self._changed()

    def _pause_secs(self, state: RetryCallState) -> float:
        return max(self._aside_secs, RETRY_WAIT(state))

    def _report(self, state: RetryCallState) -> None:
        self.fault = str(state.outcome.exception()) if state.outcome is not None else self.fault
        self._pulse.beat()
        self._changed()
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY_SECS:
            self._logged_at, self._reported = now, True
            _log.warning("A lite server is not usable", node=self.name, reason=self.fault)

    def _answered(self, secs: float) -> None:
        self._count("ok")
        self._metrics.duration.labels(self.name).observe(secs)
        self.latency_secs += 0.2 * (secs - self.latency_secs)

    def _refused(self, refusal: NodeRefused, *, excused: bool) -> None:
        self._count("refused")
        self._refusals += not excused
        if self._refusals >= MAX_REFUSALS:
            self.put_aside(
                f"refused {self._refusals} requests in a row, the last with code {refusal.code}", self._patience.aside
            )

    def _count(self, result: str) -> None:
        self._metrics.requests.labels(self.name, result).inc()
