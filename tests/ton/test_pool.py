"""Whom the pool asks, in which order, and what it makes of failures."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from harvester_ton import tl
from harvester_ton.errors import LiteServerError, NodeRefused, NodeUnwell
from harvester_ton.metrics import TonMetrics
from harvester_ton.node import Patience
from harvester_ton.pool import Pool

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Scripted:
    """A node that answers as it is told."""

    name: str
    seqno: int | None = 1
    outcome: bytes | LiteServerError = b""
    latency_secs: float = 0.0
    fault: str | None = None
    asked: list[int] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    @property
    def head(self) -> tl.BlockId | None:
        """See `Node`."""
        return block(self.seqno) if self.seqno is not None else None

    async def ask(self, query: bytes, read: Callable[[bytes], Any], *, seqno: int, timeout_secs: float | None) -> Any:
        """See `Node`."""
        del query, timeout_secs
        self.asked.append(seqno)
        if isinstance(self.outcome, LiteServerError):
            raise self.outcome
        return read(self.outcome)

    def put_aside(self, reason: str, aside_secs: float) -> None:
        """See `Node`."""
        assert aside_secs > 0
        self.aside.append(reason)


def block(seqno: int) -> tl.BlockId:
    """Return a masterchain block."""
    return tl.BlockId(-1, 1 << 63, seqno, bytes(32), bytes(32))


def pool_of(nodes: Sequence[Scripted], lag: float = 15.0) -> Pool:
    """Return a pool of these nodes."""
    pool = Pool(TonMetrics(CollectorRegistry()), Patience(lag=lag))
    pool.nodes = nodes  # type: ignore[assignment] # they do what the pool needs of a node
    return pool


async def test_the_newest_and_then_the_quickest_node_is_asked() -> None:
    slow, quick = Scripted("slow", 5, b"slow", 0.2), Scripted("quick", 5, b"quick", 0.1)
    old, down = Scripted("old", 4, b"old"), Scripted("down", None)
    pool = pool_of([down, old, slow, quick])
    assert [node.name for node in pool.usable()] == ["quick", "slow", "old"]
    assert await pool.ask(b"", bytes, seqno=5) == b"quick"
    assert (quick.asked, slow.asked, old.asked, down.asked) == ([5], [], [], [])


@pytest.mark.parametrize("failure", [NodeUnwell("gone"), NodeRefused(-400, "no")])
async def test_the_next_node_is_asked_at_once(failure: LiteServerError) -> None:
    failing, good = Scripted("failing", 5, failure), Scripted("good", 4, b"good")
    assert await pool_of([failing, good]).ask(b"", bytes) == b"good"
    assert failing.asked


async def test_when_all_fail_a_refusal_is_what_is_told() -> None:
    refusing, gone = (
        Scripted("refusing", 5, NodeRefused(-400, "no such thing")),
        Scripted("gone", 4, NodeUnwell("gone")),
    )
    with pytest.raises(NodeRefused, match="no such thing"):
        await pool_of([refusing, gone]).ask(b"", bytes)


async def test_without_nodes_the_reason_names_them() -> None:
    pool = pool_of([Scripted("a:1", None, fault="cannot be reached"), Scripted("b:2", None, fault="lags")])
    with pytest.raises(NodeUnwell, match=r"a:1: cannot be reached; b:2: lags"):
        await pool.ask(b"", bytes)


async def test_a_node_that_does_not_know_the_block_it_named_is_put_aside_if_there_is_another() -> None:
    boaster, other = (
        Scripted("boaster", 9, NodeRefused(651, "too big")),
        Scripted("other", 5, NodeRefused(651, "too big")),
    )
    with pytest.raises(NodeRefused):
        await pool_of([boaster, other]).ask(b"", bytes, seqno=9)
    assert (len(boaster.aside), other.aside) == (1, [])
    alone = Scripted("alone", 9, NodeRefused(651, "not applied yet"))
    with pytest.raises(NodeRefused):
        await pool_of([alone]).ask(b"", bytes, seqno=9)
    assert alone.aside == []


async def test_two_nodes_are_asked_where_there_are_two() -> None:
    nodes = [
        Scripted("a", 1, NodeUnwell("gone")),
        Scripted("b", 1, b"b"),
        Scripted("c", 1, b"c"),
        Scripted("d", 1, b"d"),
    ]
    assert await pool_of(nodes).ask_two(b"", bytes, seqno=1) == [b"b", b"c"]
    assert await pool_of(nodes[:2]).ask_two(b"", bytes, seqno=1) == [b"b"]
    with pytest.raises(NodeUnwell):
        await pool_of(nodes[:1]).ask_two(b"", bytes, seqno=1)


async def test_only_blocks_that_were_read_make_others_lag() -> None:
    boaster, slow = Scripted("boaster", 1_000, b""), Scripted("slow", 5, b"")
    pool = pool_of([boaster, slow], lag=0.02)
    for _ in range(3):
        pool.confirm(block(5), NOW)
        await asyncio.sleep(0.02)
    assert slow.aside == []
    pool.confirm(block(6), NOW)
    assert slow.aside == []
    await asyncio.sleep(0.03)
    pool.confirm(block(7), NOW)
    assert len(slow.aside) == 1
    assert boaster.aside == []


async def test_a_newer_block_is_waited_for() -> None:
    node = Scripted("a", 5)
    pool = pool_of([node])
    assert await pool.newer(4) == block(5)
    waiting = asyncio.create_task(pool.newer(5))
    await asyncio.sleep(0)
    assert not waiting.done()
    node.seqno = 6
    pool._wake()
    assert await waiting == block(6)


async def test_head_time_never_goes_back() -> None:
    pool = pool_of([])
    pool.confirm(block(1), NOW)
    pool.confirm(block(2), NOW.replace(year=2025))
    assert pool.head_time == NOW
