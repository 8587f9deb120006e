"""The chain of trust: from the operator's block, step by step, stored, resumed, and never against what was proven."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from harvester.domain.errors import ChainUnavailable, Unavailable
from harvester_ton.adapter import TonAdapter
from harvester_ton.devnet.local import LocalTon
from harvester_ton.errors import NodeUnwell
from harvester_ton.metrics import TonMetrics
from harvester_ton.pool import Pool
from harvester_ton.tl import BlockId
from harvester_ton.trust import MAX_REFUSED_ROUNDS, ChainOfTrust
from harvester_ton.trust_notes import note_name, read_trusted, write_trusted
from harvester_ton.verification import TrustedBlock, read_anchor, start_from
from tests.contract.recording import running
from tests.ton.watching import Notebook, build, environ, eventually, needs_chain, scanning

START = 1_800_000_000


@pytest.fixture
async def ton() -> AsyncIterator[LocalTon]:
    """A chain that makes blocks when it is told to."""
    async with LocalTon(jettons={}) as chain:
        yield chain


def anchor(ton: LocalTon) -> TrustedBlock:
    """The block that the chain's network config trusts."""
    return read_anchor(json.dumps(ton.network_config()))


def stored(ton: LocalTon, ledger: Notebook) -> TrustedBlock:
    """What the ledger remembers of `ton`."""
    return read_trusted(ledger.notes["ton", note_name(anchor(ton))])


def head(ton: LocalTon) -> BlockId:
    """The newest masterchain block."""
    block = ton.chain.head.master.id
    return BlockId(-1, 1 << 63, block.seqno, block.root_hash, block.file_hash)


def reasons(adapter: TonAdapter) -> str:
    """Everything that is wrong, in one text."""
    return "\n".join(adapter.health().reasons)


def broken(adapter: TonAdapter) -> float:
    """What the metric says of the chain of trust."""
    value: float = adapter._metrics.trust_broken._value.get()
    return value


def test_what_is_stored_is_read_back_as_it_was() -> None:
    block, key = (BlockId(-1, 1 << 63, seqno, bytes([seqno]) * 32, bytes(32)) for seqno in (9, 5))
    assert read_trusted(write_trusted(TrustedBlock(block, key, 7))) == TrustedBlock(block, key, 7)


class TestOnAChain:
    """What needs blocks."""

    pytestmark = needs_chain

    async def test_only_proven_blocks_are_used_and_each_new_key_block_is_stored(self, ton: LocalTon) -> None:
        ledger = Notebook()
        async with scanning(ton, ledger) as adapter:
            for _ in range(3):
                ton.rotate_validators()
                await ton.produce_block()
                await eventually(lambda: adapter._trust.trusted == start_at(ton))
                assert stored(ton, ledger).key_block == head(ton)
                await ton.produce_block()
            await ton.pay(ton.wallet("merchant").address, 5)
            assert await ledger.amounts(1) == [5]

    async def test_a_restart_goes_on_from_the_stored_block_and_not_from_the_config(self, ton: LocalTon) -> None:
        ledger = Notebook()
        async with scanning(ton, ledger) as adapter:
            await eventually(lambda: adapter.health().ready)
            ton.rotate_validators()
            await ton.produce_block(2)
            await eventually(lambda: bool(ledger.notes) and stored(ton, ledger).key_block.seqno > 1)
        with capture_logs() as logs:
            async with scanning(ton, ledger) as adapter:
                await eventually(lambda: adapter.health().ready)
        (begun,) = (line for line in logs if line["event"].startswith("Blocks are proven"))
        assert (begun["source"], begun["key_block"]) == ("database", stored(ton, ledger).key_block.seqno)

    async def test_many_key_blocks_are_proven_in_pieces_and_the_way_is_told(
        self, ton: LocalTon, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(20):
            ton.rotate_validators()
            await ton.produce_block()
        seqno, told, ledger = head(ton).seqno, [], Notebook()
        report = ChainOfTrust._report_progress

        def look(trust: ChainOfTrust, target: BlockId) -> None:
            report(trust, target)
            told.append(reasons(adapter))

        monkeypatch.setattr(ChainOfTrust, "_report_progress", look)
        adapter = build(environ(ton))
        async with running(adapter, ledger):
            await eventually(lambda: adapter.health().ready)
        assert len(told) == 3
        assert all("proving blocks: at seqno " in each and f" of {seqno}" in each for each in told)
        assert stored(ton, ledger).block.seqno == seqno

    async def test_an_unfinished_first_sync_is_resumed(self, ton: LocalTon) -> None:
        for _ in range(20):
            ton.rotate_validators()
            await ton.produce_block()
        ledger = Notebook()
        remember, first = ledger.remember, asyncio.Event()

        async def remember_once(chain: str, name: str, value: bytes) -> None:
            await remember(chain, name, value)
            first.set()
            await asyncio.Event().wait()

        ledger.remember = remember_once  # type: ignore[method-assign]
        run = asyncio.create_task(build(environ(ton)).run(ledger, asyncio.Event()))
        await first.wait()
        run.cancel()
        await asyncio.wait([run])
        assert 1 < stored(ton, ledger).block.seqno < head(ton).seqno
        ledger.remember = remember  # type: ignore[method-assign]
        async with scanning(ton, ledger) as adapter:
            await eventually(lambda: adapter.health().ready)

    async def test_servers_of_another_network_are_a_loud_reason_and_nothing_is_scanned(self, ton: LocalTon) -> None:
        ledger = Notebook()
        async with LocalTon(jettons={}, seed=b"another network") as other:
            settings = environ(other) | {"LITE_SERVERS": environ(ton)["LITE_SERVERS"]}
            with capture_logs() as logs:
                adapter = build(settings)
                async with running(adapter, ledger):
                    await ton.produce_block(3)
                    await eventually(lambda: "another network" in reasons(adapter))
                    await ton.pay(ton.wallet("merchant").address, 5)
                    assert broken(adapter) == 1
                    assert not adapter.health().ready
        assert [line for line in logs if line["log_level"] == "critical"]
        assert ledger.batches == []

    @pytest.mark.parametrize("at_key_block", [True, False])
    async def test_a_stored_block_that_no_server_knows_is_a_loud_reason(
        self, ton: LocalTon, at_key_block: bool
    ) -> None:
        ledger = Notebook()
        await ton.produce_block(3)
        false = replace(head(ton), root_hash=b"\1" * 32)
        key_block = false if at_key_block else anchor(ton).block
        ledger.notes["ton", note_name(anchor(ton))] = write_trusted(TrustedBlock(false, key_block, 1))
        async with scanning(ton, ledger) as adapter:
            await eventually(lambda: broken(adapter) == 1)
            await ton.pay(ton.wallet("merchant").address, 5)
            assert "no lite server proves a block after the trusted block" in reasons(adapter)
        assert ledger.batches == []

    async def test_an_unreadable_stored_block_stops_the_scan_and_not_the_process(self, ton: LocalTon) -> None:
        ledger = Notebook()
        ledger.notes["ton", note_name(anchor(ton))] = b"{"
        async with scanning(ton, ledger) as adapter:
            await eventually(lambda: "cannot be read" in reasons(adapter))
            assert broken(adapter) == 1
        assert ledger.batches == []

    async def test_a_signed_fork_stops_the_scan_for_good_and_not_the_process(self) -> None:
        def clock() -> float:
            return START

        ledger = Notebook()
        async with (
            LocalTon(jettons={}, clock=clock) as ton,
            LocalTon(jettons={}, clock=clock) as fork,
        ):
            assert anchor(ton) == anchor(fork)
            servers = ",".join(environ(each)["LITE_SERVERS"] for each in (ton, fork))
            ton.advance(1)
            await ton.produce_block(5)
            with capture_logs() as logs:
                async with scanning(ton, ledger, LITE_SERVERS=servers) as adapter:
                    await eventually(lambda: adapter._trust._newest == head(ton))
                    fork.rotate_validators()
                    await fork.produce_block(6)
                    await eventually(lambda: "contradicts what was proven before" in reasons(adapter))
                    batches = len(ledger.batches)
                    await ton.pay(ton.wallet("merchant").address, 5)
                    await ton.produce_block(3)
                    assert (broken(adapter), len(ledger.batches)) == (1, batches)
        assert [line for line in logs if line["log_level"] == "critical"]

    async def test_a_server_that_names_another_block_than_the_proven_one_is_put_aside(self) -> None:
        ledger = Notebook()
        async with (
            LocalTon(jettons={}) as ton,
            LocalTon(jettons={}, seed=b"another network") as other,
        ):
            await ton.produce_block(3)
            servers = ",".join(environ(each)["LITE_SERVERS"] for each in (ton, other))
            async with scanning(ton, ledger, LITE_SERVERS=servers) as adapter:
                await eventually(lambda: adapter.health().ready)
                await other.produce_block(head(ton).seqno - other.seqno)
                nodes = adapter._pool.nodes
                await eventually(lambda: any("names another block" in (node.fault or "") for node in nodes))
                await ton.pay(ton.wallet("merchant").address, 5)
                assert await ledger.amounts(1) == [5]

    async def test_a_database_that_is_away_at_the_start_is_waited_for(self, ton: LocalTon) -> None:
        ledger, away = Notebook(), [Unavailable("the database is away")] * 2
        recall = ledger.recall

        async def recall_later(chain: str, name: str) -> bytes | None:
            if away:
                raise away.pop()
            return await recall(chain, name)

        ledger.recall = recall_later  # type: ignore[method-assign]
        async with scanning(ton, ledger) as adapter:
            await eventually(lambda: adapter.health().ready)
        assert away == []


def start_at(ton: LocalTon) -> TrustedBlock:
    """The newest block, a key block, as it is trusted."""
    return replace(start_from(head(ton)), gen_utime=ton.chain.head.master.gen_utime)


async def test_who_waits_for_a_block_is_told_when_there_will_be_none() -> None:
    metrics = TonMetrics(CollectorRegistry())
    trust = ChainOfTrust(Pool(metrics), metrics)
    waiting = asyncio.create_task(trust.newer(0))
    await asyncio.sleep(0)
    trust._break("a fork")
    with pytest.raises(ChainUnavailable, match="a fork"):
        await waiting
    assert MAX_REFUSED_ROUNDS > 1


async def test_a_look_ahead_never_outlives_its_proof() -> None:
    metrics, ended = TonMetrics(CollectorRegistry()), asyncio.Event()
    trust = ChainOfTrust(Pool(metrics), metrics)

    class Refusing:
        async def ask(self, _query: bytes, _read: object) -> bytes:
            await asyncio.sleep(0)
            raise NodeUnwell("gone")

    async def look(_node: object, _block: BlockId) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    trust.look_ahead = look
    block = start_from(BlockId(-1, 1 << 63, 1, bytes(32), bytes(32)))
    with pytest.raises(NodeUnwell):
        await trust._ask(Refusing(), block, block.block)  # type: ignore[arg-type] # all that is needed of a node
    assert ended.is_set()
