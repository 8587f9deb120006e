"""The adapter's loops beat while lite servers are away, and show it when one of them hangs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tenacity import wait_fixed

import harvester.pulse
import harvester_ton.status
from harvester.chain import AdapterContext
from harvester.pulse import Pulses
from harvester_ton.adapter import TonAdapter
from harvester_ton.devnet.local import LocalTon
from harvester_ton.proving import ProvingSource
from harvester_ton.settings import TonSettings
from tests.contract.recording import running
from tests.ton.watching import HASTE, Notebook, environ, eventually, needs_chain

pytestmark = needs_chain

PATIENCE_SECS = 3.0
LOOPS = {"ton lite servers", "ton proofs", "ton scan TON", "ton scan USDX", "ton further scans"}


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """In proportion, for whoever waits for something, too."""
    monkeypatch.setattr(harvester.pulse, "PATIENCE_SECS", PATIENCE_SECS)
    monkeypatch.setattr(harvester_ton.status, "NEWS_SECS", PATIENCE_SECS / 20)
    monkeypatch.setattr("harvester_ton.node.RETRY_WAIT", wait_fixed(PATIENCE_SECS / 20))
    monkeypatch.setattr("harvester_ton.further.ASK_SECS", PATIENCE_SECS / 4)


class Rig:
    """An adapter before a local chain."""

    def __init__(self, ton: LocalTon) -> None:
        self.ton = ton
        self.registry = CollectorRegistry()
        self.pulses = Pulses(self.registry, lambda: datetime.now(UTC))
        settings = environ(ton, ["USDX"])
        context = AdapterContext(lambda: datetime.now(UTC), self.registry, settings, self.pulses.watched)
        self.adapter = TonAdapter(TonSettings.load(settings), context, HASTE)

    def loops(self) -> set[str]:
        """Those that are watched."""
        metric = "harvester_loop_last_success_timestamp_seconds"
        samples = (sample for family in self.registry.collect() for sample in family.samples)
        return {sample.labels["loop"] for sample in samples if sample.name == metric}

    async def assert_none_hangs(self, secs: float) -> None:
        """Look at them for a while."""
        for _ in range(int(secs / 0.1)):
            assert self.pulses.hung() == []
            await asyncio.sleep(0.1)


@asynccontextmanager
async def at_work() -> AsyncIterator[Rig]:
    async with LocalTon(block_seconds=0.1) as ton:
        rig = Rig(ton)
        async with running(rig.adapter, Notebook()):
            await eventually(lambda: rig.adapter.health().ready)
            yield rig
    assert rig.loops() == set()


async def test_all_loops_are_watched_while_it_runs_and_beat() -> None:
    async with at_work() as rig:
        assert rig.loops() == LOOPS
        await rig.assert_none_hangs(1.2 * PATIENCE_SECS)


@pytest.mark.parametrize("mode", ["refuse", "stall"])
async def test_no_loop_hangs_while_all_lite_servers_are_away(mode: Any) -> None:
    async with at_work() as rig:
        await rig.ton.set_faults(mode)
        await eventually(lambda: not rig.adapter.health().ready)
        await rig.assert_none_hangs(1.2 * PATIENCE_SECS)
        await rig.ton.set_faults("none")
        await eventually(lambda: rig.adapter.health().ready)


async def test_no_loop_hangs_while_no_block_comes() -> None:
    async with at_work() as rig:
        await rig.ton.stop_blocks()
        await rig.assert_none_hangs(1.2 * PATIENCE_SECS)


@pytest.mark.parametrize(
    ("owner", "name", "loops"),
    [
        (ProvingSource, "account_at", {"ton scan TON", "ton scan USDX"}),
        (harvester_ton.trust.ChainOfTrust, "_verify", {"ton proofs"}),
        (harvester_ton.node.Node, "_next", {"ton lite servers"}),
        (Notebook, "further_destinations", {"ton further scans"}),
    ],
)
async def test_a_loop_that_hangs_is_found_out(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, loops: set[str]
) -> None:
    async def hang(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    async with at_work() as rig:
        monkeypatch.setattr(owner, name, hang)
        await eventually(lambda: set(rig.pulses.hung()) == loops)
