"""All lite servers together: the newest block, and questions that fail over from one server to the next.

Without proofs, which server is believed about the newest block matters: a block counts as the best only after an
account has been read at it (`confirm`), so that a server that invents a block number pushes no other aside.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from harvester.chain import UNHEARD, Pulse
from harvester_ton import tl
from harvester_ton.errors import NOT_READY_CODES, LiteServerError, NodeRefused, NodeUnwell
from harvester_ton.metrics import TonMetrics
from harvester_ton.network_config import NodeAddress
from harvester_ton.node import Node, Patience

MAX_NODES_IN_USE: Final = 4
"""The others step in when one of these fails: public lite servers are not to be crowded."""

_T = TypeVar("_T")


class Pool:
    """The lite servers in use. `run` supervises them; everything else answers from what they know."""

    def __init__(self, metrics: TonMetrics, patience: Patience = Patience()) -> None:  # noqa: B008 # it is a value
        self.nodes: Sequence[Node] = ()
        self.head_time: datetime | None = None
        """Chain time of the newest shard block that was read."""
        self._metrics = metrics
        self._patience = patience
        self._changed = asyncio.Event()
        self._best: deque[tuple[int, float]] = deque()

    async def run(
        self, addresses: Sequence[NodeAddress], at_once: int = MAX_NODES_IN_USE, pulse: Pulse = UNHEARD
    ) -> None:
        """Supervise the lite servers at `addresses` until cancelled, with up to `at_once` of them connected.

        `pulse` beats whenever the supervision of any of them gets on.
        """
        self._metrics.add_nodes(map(str, addresses))
        self.nodes = [Node(address, self._metrics, self._patience, self._wake, pulse) for address in addresses]
        slots = asyncio.Semaphore(at_once)
        async with asyncio.TaskGroup() as group:
            for node in self.nodes:
                group.create_task(node.run(slots), name=f"lite server {node.name}")

    def usable(self) -> list[Node]:
        """Return the usable nodes, the one to ask first in front: newest block, then quickest."""
        nodes = [node for node in self.nodes if node.head is not None]
        return sorted(nodes, key=lambda node: (-node.head.seqno if node.head else 0, node.latency_secs))

    async def changed(self) -> None:
        """Wait until a node has got a new block or a new fault."""
        await self._changed.wait()

    async def newer(self, seqno: int) -> tl.BlockId:
        """Wait until a usable node has a masterchain block after `seqno`, and return the newest."""
        while True:
            for node in self.usable():
                if node.head is not None and node.head.seqno > seqno:
                    return node.head
            await self.changed()

    async def ask(
        self,
        query: bytes,
        read: Callable[[bytes], _T],
        *,
        seqno: int = 0,
        timeout_secs: float | None = None,
    ) -> _T:
        """Ask one node after the other until one gives an answer that `read` accepts.

        `seqno`: the masterchain block the question is about; a node that is behind waits for it.

        Raises:
            NodeRefused: all usable nodes refused, or were unwell and at least one refused.
            LiteServerError: no node gave an answer.
        """
        refusal: NodeRefused | None = None
        fault: LiteServerError = NodeUnwell(self.trouble())
        nodes = self.usable()
        for node in nodes:
            named = node.head is not None and node.head.seqno >= seqno
            try:
                return await node.ask(query, read, seqno=seqno, timeout_secs=timeout_secs)
            except NodeRefused as error:
                refusal = error
                if named and error.code in NOT_READY_CODES and len(nodes) > 1:
                    node.put_aside(f"does not know block {seqno}, which it has named", self._patience.aside)
            except NodeUnwell as error:
                fault = error
        raise refusal or fault

    async def ask_two(
        self, query: bytes, read: Callable[[bytes], _T], *, seqno: int, timeout_secs: float | None = None
    ) -> Sequence[_T]:
        """Return the answers of two different nodes, or of the only one that answers.

        Raises:
            NodeRefused, LiteServerError: as `ask`.
        """
        answers: list[_T] = []
        fault: LiteServerError = NodeUnwell(self.trouble())
        for node in self.usable():
            try:
                answers.append(await node.ask(query, read, seqno=seqno, timeout_secs=timeout_secs))
            except LiteServerError as error:
                fault = error
            if len(answers) == 2:
                break
        if not answers:
            raise fault
        return answers

    def confirm(self, block: tl.BlockId, shard_time: datetime) -> None:
        """Take note that `block` could be used, and how far chain time had come in a shard of it.

        Nodes that have been without it for too long are put aside.
        """
        now = time.monotonic()
        if self.head_time is None or shard_time > self.head_time:
            self.head_time = shard_time
            self._metrics.head_time.set(shard_time.timestamp())
        if not self._best or self._best[-1][0] < block.seqno:
            self._best.append((block.seqno, now))
            self._metrics.head_seqno.set(block.seqno)
        while len(self._best) > 1 and self._best[1][1] < now - 2 * self._patience.lag:
            self._best.popleft()
        for node in self.usable():
            lag = self._lag_secs(node, now)
            self._metrics.node_lag.labels(node.name).set(lag)
            if lag > self._patience.lag:
                node.put_aside(f"lags: it has been behind the others for {lag:.0f} s", self._patience.aside)

    def trouble(self) -> str:
        """Say why nodes are not usable."""
        faults = [f"{node.name}: {node.fault}" for node in self.nodes if node.fault]
        return "no lite server is usable (" + ("; ".join(faults[:5]) or "none is known yet") + ")"

    def _lag_secs(self, node: Node, now: float) -> float:
        seqno = node.head.seqno if node.head else 0
        return next((now - since for best, since in self._best if best > seqno), 0.0)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
