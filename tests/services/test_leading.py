"""One process scans a chain at a time, others take over, and who was overtaken writes nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial

import pytest
from prometheus_client import CollectorRegistry

from harvester.chain import Batch, Health, Ledger
from harvester.domain.errors import InvariantBroken, LeaseLost
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.leading import STANDING_BY, Leader
from harvester.services.ledger import LedgerService
from harvester.storage.database import Database
from tests.e2e.eventually import eventually
from tests.memory_chain import MemoryChain
from tests.services.conftest import Shop

SHORT = timedelta(seconds=0.3)
LONG = timedelta(minutes=10)


class Chain(MemoryChain):
    """Shows the ledger that it was last given."""

    ledger: Ledger | None = None
    dies = False
    returns = False

    async def run(self, ledger: Ledger, stop: asyncio.Event) -> None:
        self.ledger = ledger
        if self.dies:
            raise ZeroDivisionError
        if not self.returns:
            await super().run(ledger, stop)


class Process:
    """What one process has of its own: an adapter, metrics, connections and a leader."""

    def __init__(self, shop: Shop, database: Database, term: timedelta) -> None:
        self.chain = Chain(shop.clock, histories=shop.chain.histories)
        self.chains = Chains([self.chain])
        self.metrics = Metrics(CollectorRegistry(), "test")
        make_ledger = partial(
            LedgerService, chains=self.chains, clock=shop.clock, signals=shop.signals, metrics=self.metrics
        )
        self.leader = Leader(self.chain, make_ledger, database, self.chains, self.metrics, term)

    @property
    def leads(self) -> bool:
        """What its metric says."""
        return self.metrics.registry.get_sample_value("harvester_leases_held", {"name": "chain:memory"}) == 1

    @property
    def health(self) -> Health:
        """What it says of its chain."""
        return self.chains.health()["memory"]

    async def until_leading(self, leads: bool = True) -> None:
        """Wait until it scans, or stands by."""

        async def reached() -> bool:
            return self.leads is leads and (leads or STANDING_BY in self.health.reasons)

        await eventually(reached, f"leading: {leads}")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """Run the leader inside the block."""
        stop = asyncio.Event()
        task = asyncio.create_task(self.leader.run(stop))
        try:
            yield task
        finally:
            stop.set()
            with suppress(asyncio.CancelledError):
                await task


def batch(shop: Shop, cursor_from: str | None = None, cursor_to: str = "0") -> Batch:
    """Return an empty batch that the stored cursor does not contradict."""
    return Batch(shop.chain.account(), (), cursor_from, cursor_to, None)


async def test_one_scans_and_the_others_stand_by_and_are_ready(shop: Shop) -> None:
    processes = [Process(shop, shop.database, LONG) for _ in range(3)]
    first, *others = processes
    async with first.running():
        await first.until_leading()
        async with others[0].running(), others[1].running():
            for other in others:
                await other.until_leading(False)
                assert other.health == Health(True, None, None, (STANDING_BY,))
                assert other.chain.ledger is None
            assert STANDING_BY not in first.health.reasons


async def test_who_stops_hands_over_at_once_and_payments_go_on(shop: Shop) -> None:
    first, second = (Process(shop, shop.database, timedelta(seconds=6)) for _ in range(2))
    invoice = await shop.invoice(100)
    async with first.running():
        await first.until_leading()
    shop.chain.pay(100, invoice.id)
    async with second.running():
        await second.until_leading()

        async def booked() -> bool:
            return await shop.classes(invoice.id) == ["exact"]

        await eventually(booked, "the payment is booked")
    assert not first.leads


async def test_who_was_overtaken_writes_nothing_though_its_cursor_still_matches(shop: Shop) -> None:
    old, new = Process(shop, shop.database, SHORT), Process(shop, shop.database, LONG)
    async with old.running() as task:
        await old.until_leading()
        stale = old.chain.ledger
        task.cancel()
    async with new.running():
        await new.until_leading()
    assert stale is not None
    position = await stale.position(shop.chain.account())
    with pytest.raises(LeaseLost):
        await stale.record(batch(shop, position.cursor, "9"))
    with pytest.raises(LeaseLost):
        await stale.remember("memory", "note", b"stale")
    assert (await shop.ledger.position(shop.chain.account())).cursor == position.cursor
    assert await shop.ledger.recall("memory", "note") is None


async def test_who_sleeps_longer_than_its_lease_may_not_write_before_it_leads_again(shop: Shop) -> None:
    process = Process(shop, shop.database, timedelta(0))
    async with process.running():
        await process.until_leading()
        assert process.chain.ledger is not None
        with pytest.raises(LeaseLost):
            await process.chain.ledger.record(batch(shop))


async def test_who_is_overtaken_while_it_runs_stands_by_and_takes_over_again(shop: Shop) -> None:
    process = Process(shop, shop.database, SHORT)
    async with process.running():
        await process.until_leading()
        await shop.rows(
            "UPDATE leases SET token = token + 1, expires_at = clock_timestamp() + interval '1 s' RETURNING 1"
        )
        await process.until_leading(False)
        await process.until_leading()
        (row,) = await shop.rows("SELECT token FROM leases")
        assert row["token"] >= 3, "a term of its own, of whoever overtook it, and another one of its own"


async def test_a_lease_is_kept_while_the_process_lives(shop: Shop) -> None:
    term = timedelta(seconds=2)
    first, second = (Process(shop, shop.database, term) for _ in range(2))
    async with first.running():
        await first.until_leading()
        async with second.running():
            await second.until_leading(False)
            await asyncio.sleep(1.5 * term.total_seconds())
            assert first.leads
            assert not second.leads


@pytest.mark.parametrize(("fault", "raised"), [("dies", ZeroDivisionError), ("returns", InvariantBroken)])
async def test_an_adapter_that_dies_or_leaves_ends_the_leader(shop: Shop, fault: str, raised: type[Exception]) -> None:
    process = Process(shop, shop.database, LONG)
    setattr(process.chain, fault, True)
    with pytest.raises(ExceptionGroup) as caught:
        await process.leader.run(asyncio.Event())
    assert isinstance(caught.value.exceptions[0], raised)
