"""One lite server under supervision: connected again and again, its newest block followed, its faults counted.

Rules:
- A node is usable while it is connected and has named its newest block.
- A timeout or closed connection ends the session; the next begins after a capped, jittered pause.
- Nonsense, and lagging behind the others, end it for longer: the node is put aside.
- A refusal ends nothing: the connection is fine. Too many in a row do.
- While it is down there is one log line a minute, and one when it is back.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, NoReturn, TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential_jitter

from harvester.domain.errors import InvariantBroken
from harvester_ton import tl
from harvester_ton.cells import CellError
from harvester_ton.connection import Connection, connect
from harvester_ton.errors import NOT_READY_CODES, LiteServerError, NodeRefused, NodeUnwell
from harvester_ton.metrics import TonMetrics
from harvester_ton.network_config import NodeAddress

CONNECT_TIMEOUT_SECS: Final = 5.0
QUERY_TIMEOUT_SECS: Final = 4.0
FOLLOW_WAIT_SECS: Final = 8.0
"""How long a node may hold the question for its next block; it gives up at 10 s by itself."""
FOLLOW_TIMEOUT_SECS: Final = 10.0
NO_BLOCK_PAUSE_SECS: Final = 0.5
"""Before asking again a node that had no new block: one that says so at once must not be asked in a tight loop."""
RETRY_WAIT: Final = wait_exponential_jitter(initial=0.25, max=15, jitter=0.5)
ASIDE_SECS: Final = 5.0
"""Least time that a node is put aside for an answer that cannot be true."""
STEADY_SECS: Final = 30.0
"""A session that lasted this long starts the pauses from the shortest again."""
MAX_REFUSALS: Final = 16
LOG_EVERY_SECS: Final = 60.0

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


class Node:
    """A lite server. `run` supervises it until cancelled; `changed` is called when `head` or `fault` has changed."""

    def __init__(self, address: NodeAddress, metrics: TonMetrics, changed: Callable[[], None]) -> None:
        self.name = str(address)
        self.head: tl.BlockId | None = None
        """Its newest masterchain block; None while it is not usable."""
        self.fault: str | None = "not connected yet"
        """Why it is not usable."""
        self.latency_secs = 0.0
        """Recent time to an answer."""
        self._address = address
        self._metrics = metrics
        self._changed = changed
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

    async def ask(self, query: bytes, read: Callable[[bytes], _T], timeout_secs: float = QUERY_TIMEOUT_SECS) -> _T:
        """Send `query` and return what `read` makes of the answer.

        An error of `read` (NodeUnwell, CellError) puts the node aside as its own faults do.

        Raises:
            NodeRefused: the node refused.
            NodeUnwell: no answer, or not a good one; the node is no longer usable.
        """
        if self._connection is None or self.head is None:
            raise NodeUnwell(f"lite server {self.name} is not usable: {self.fault}")
        started = time.monotonic()
        aside_secs = 0.0
        try:
            answer = await self._connection.query(query, timeout_secs)
            aside_secs = ASIDE_SECS
            value = read(answer)
        except NodeRefused as refusal:
            self._refused(refusal)
            raise
        except (NodeUnwell, CellError) as error:
            self._count("unwell")
            self.put_aside(str(error), aside_secs)
            raise NodeUnwell(f"lite server {self.name}: {error}") from None
        self._refusals = 0
        self._answered(time.monotonic() - started)
        return value

    def put_aside(self, reason: str, aside_secs: float = ASIDE_SECS) -> None:
        """End the session; the node is tried again after `aside_secs` at the earliest. The first reason stands."""
        if self._connection is not None and self._blame is None:
            self._blame, self._aside_secs = reason, aside_secs
            self._down(reason)
            self._connection.close()

    async def _session(self, state: RetryCallState) -> None:
        self._blame, self._aside_secs, self._refusals = None, 0.0, 0
        self._connection = await connect(self._address, CONNECT_TIMEOUT_SECS)
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
        head = tl.read_masterchain_info(await connection.query(tl.get_masterchain_info(), CONNECT_TIMEOUT_SECS))
        while True:
            self._up(head)
            following = await self._next(connection, head)
            if following.seqno <= head.seqno:
                raise NodeUnwell(f"named block {following.seqno} after block {head.seqno}")
            head = following
            if time.monotonic() - started > STEADY_SECS:
                state.attempt_number = 1

    async def _next(self, connection: Connection, head: tl.BlockId) -> tl.BlockId:
        query = tl.waiting_for(head.seqno + 1, int(FOLLOW_WAIT_SECS * 1000), tl.get_masterchain_info())
        while True:
            try:
                return tl.read_masterchain_info(await connection.query(query, FOLLOW_TIMEOUT_SECS))
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
        self._changed()
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY_SECS:
            self._logged_at, self._reported = now, True
            _log.warning("A lite server is not usable", node=self.name, reason=self.fault)

    def _answered(self, secs: float) -> None:
        self._count("ok")
        self._metrics.duration.labels(self.name).observe(secs)
        self.latency_secs += 0.2 * (secs - self.latency_secs)

    def _refused(self, refusal: NodeRefused) -> None:
        self._count("refused")
        if refusal.code in NOT_READY_CODES:
            return
        self._refusals += 1
        if self._refusals >= MAX_REFUSALS:
            self.put_aside(f"refused {self._refusals} requests in a row, the last with code {refusal.code}")

    def _count(self, result: str) -> None:
        self._metrics.requests.labels(self.name, result).inc()
