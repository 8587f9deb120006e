"""The one loop of the adapter: it beats, and says what holds it up."""

import asyncio
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

import harvester.pulse
from harvester.chain import AdapterContext
from harvester.domain.errors import Unavailable
from harvester.pulse import Pulses
from harvester_tari.adapter import TariAdapter
from harvester_tari.amounts import ASSET, CHAIN
from harvester_tari.settings import TariSettings
from tests.contract.recording import RecordingLedger, running
from tests.e2e.eventually import eventually
from tests.tari.builders import ADDRESS

PATIENCE_SECS = 1.5


def now() -> datetime:
    return datetime.now(UTC)


class Rig:
    """An adapter that is watched."""

    def __init__(self, interval_secs: float) -> None:
        self.pulses = Pulses(CollectorRegistry(), now)
        settings = TariSettings.load({"TPG_PAYMENT_WALLET_ADDRESS": str(ADDRESS)})
        context = AdapterContext(now, CollectorRegistry(), {}, self.pulses.watched)
        self.adapter = TariAdapter(settings, context, interval_secs)
        self.ledger = RecordingLedger()

    async def is_told_of(self, reason: str) -> bool:
        return reason in self.adapter.health().reasons

    async def is_ready(self) -> bool:
        return self.adapter.health().ready

    async def hangs(self) -> bool:
        return self.pulses.hung() == ["tari expiry"]


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """In proportion."""
    monkeypatch.setattr(harvester.pulse, "PATIENCE_SECS", PATIENCE_SECS)


async def test_it_beats_and_is_ready_again_when_the_database_is() -> None:
    rig = Rig(interval_secs=PATIENCE_SECS / 30)
    rig.ledger.faults = [Unavailable("the database is away")] * 1000
    async with running(rig.adapter, rig.ledger):
        await eventually(lambda: rig.is_told_of("the database is away"), "it says what is wrong")
        await asyncio.sleep(1.2 * PATIENCE_SECS)
        assert rig.pulses.hung() == []
        rig.ledger.faults = []
        await eventually(rig.is_ready, "it goes on")
        assert rig.adapter.health().reasons == ()


async def test_it_is_found_out_if_it_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(interval_secs=PATIENCE_SECS / 30)
    free = asyncio.Event()
    further = rig.ledger.further_destinations

    async def hang(chain: str) -> object:
        await free.wait()
        return await further(chain)

    monkeypatch.setattr(rig.ledger, "further_destinations", hang)
    async with running(rig.adapter, rig.ledger):
        await eventually(rig.hangs, "it is found out")
        free.set()


async def test_all_that_is_over_is_over_by_the_present() -> None:
    rig = Rig(interval_secs=60)
    before = now()
    async with running(rig.adapter, rig.ledger):
        await eventually(rig.is_ready, "it has been round")
    (batch,) = rig.ledger.batches
    assert batch.scanned_until is not None
    assert before <= batch.scanned_until <= now()
    assert (batch.account.chain, batch.account.asset, batch.transfers) == (CHAIN, ASSET, ())
    assert batch.account.address == batch.account.pay_to_address == str(ADDRESS)
