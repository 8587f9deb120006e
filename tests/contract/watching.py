"""The contract of adapters that read their chain: whatever is paid there comes to the ledger, once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from uuid_utils.compat import uuid7

from harvester.chain import Destination
from harvester.cli.failures import leaves
from harvester.domain.errors import CursorConflict, LeaseLost, Unavailable
from tests.contract.recording import LONG_AGO, PATIENCE_SECS, RecordingLedger, running
from tests.contract.suite import AdapterContract, WatchedWorld


class WatchingContract(AdapterContract[WatchedWorld]):
    """All of it, with transfers. Subclass it as `Test…` with a fixture `world`."""

    async def test_each_transfer_is_handed_over_once_in_order(self, world: WatchedWorld) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        currency, *_ = adapter.currencies()
        named = uuid7()
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(LONG_AGO)
            for amount in (1_000, 2_000, 3_000):
                await world.pay(currency, amount, named)
            await world.pay(currency, 4_000, None)
            transfers = await ledger.until(4)
        assert [transfer.amount for transfer in transfers] == [1_000, 2_000, 3_000, 4_000]
        assert [transfer.invoice_id for transfer in transfers] == [named, named, named, None]
        assert transfers[3].reason
        assert {transfer.asset for transfer in transfers} == {currency.asset}
        assert len({(transfer.tx_hash, transfer.index) for transfer in transfers}) == 4

    async def test_every_currency_is_watched(self, world: WatchedWorld) -> None:
        # An invoice is open, so that it does not matter how long finding each account takes.
        adapter, ledger = world.adapter(), RecordingLedger(open_since=datetime.now(UTC) - timedelta(seconds=60))
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(LONG_AGO)
            for currency in adapter.currencies():
                await world.pay(currency, 500, uuid7())
            transfers = await ledger.until(len(adapter.currencies()))
        assert {transfer.asset for transfer in transfers} == {currency.asset for currency in adapter.currencies()}

    async def test_what_the_configuration_no_longer_names_is_watched_while_the_ledger_wants_it(
        self, world: WatchedWorld
    ) -> None:
        before, now = world.adapter(), world.reconfigured_adapter()
        wanted = [Destination(before.pay_to_address(each), each.asset) for each in before.currencies()]
        assert not {Destination(now.pay_to_address(each), each.asset) for each in now.currencies()} & set(wanted)
        for currency in before.currencies():
            await world.pay(currency, 500, uuid7())
        ledger = RecordingLedger(open_since=datetime.now(UTC) - timedelta(seconds=60), destinations=wanted)
        async with running(now, ledger):
            await world.tick()
            await ledger.until(len(wanted))
        found = {batch.account for batch in ledger.batches if any(not transfer.ignored for transfer in batch.transfers)}
        assert sorted((each.pay_to_address, each.asset) for each in found) == sorted(
            (each.pay_to_address, each.asset) for each in wanted
        )

    async def test_batches_join_without_gaps_and_are_bounded(self, world: WatchedWorld) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        currency, *_ = adapter.currencies()
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(LONG_AGO)
            for _ in range(5):
                await world.pay(currency, 7, None)
            await ledger.until(5)
        ledger.check_joined()

    async def test_a_restart_goes_on_where_the_cursor_is(self, world: WatchedWorld) -> None:
        ledger = RecordingLedger()
        currency, *_ = world.adapter().currencies()
        async with running(world.adapter(), ledger):
            await world.tick()
            await ledger.until_scanned(LONG_AGO)
            await world.pay(currency, 11, None)
            await ledger.until(1)
        await world.pay(currency, 12, None)
        async with running(world.adapter(), ledger):
            transfers = await ledger.until(2)
        assert [transfer.amount for transfer in transfers] == [11, 12]

    async def test_an_invoice_paid_before_the_chain_was_first_reached_is_seen(self, world: WatchedWorld) -> None:
        currency, *_ = world.adapter().currencies()
        named = uuid7()
        await world.pay(currency, 42, named)
        ledger = RecordingLedger(open_since=datetime.now(UTC) - timedelta(seconds=60))
        async with running(world.adapter(), ledger):
            await world.tick()
            transfers = await ledger.until(1)
        assert (transfers[0].invoice_id, transfers[0].amount) == (named, 42)

    async def test_faults_of_the_ledger_lose_and_double_nothing(self, world: WatchedWorld) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        currency, *_ = adapter.currencies()
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(LONG_AGO)
            ledger.faults = [Unavailable("away"), CursorConflict("moved"), Unavailable("away")]
            await world.pay(currency, 21, None)
            await world.pay(currency, 22, None)
            transfers = await ledger.until(2)
        assert [transfer.amount for transfer in transfers] == [21, 22]

    async def test_a_lost_lease_ends_its_run_and_it_can_run_again(self, world: WatchedWorld) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        currency, *_ = adapter.currencies()
        run = asyncio.create_task(adapter.run(ledger, asyncio.Event()))
        await world.tick()
        await ledger.until_scanned(LONG_AGO)
        ledger.faults = [LeaseLost("another process scans")]
        await world.pay(currency, 31, None)
        with pytest.raises((LeaseLost, ExceptionGroup)) as caught:
            await asyncio.wait_for(run, PATIENCE_SECS)
        assert all(isinstance(leaf, LeaseLost) for leaf in leaves(caught.value))
        async with running(adapter, ledger):
            transfers = await ledger.until(1)
        assert [transfer.amount for transfer in transfers] == [31]

    async def test_health_knows_the_newest_block(self, world: WatchedWorld) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(LONG_AGO)
            await world.tick()
            head = adapter.health().head_time
        assert head is not None
        assert ledger.scanned_until <= head
