"""Following the chain: new blocks, backlogs, restarts, first starts, and accounts that are not there."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from harvester.domain.errors import CursorConflict, Unavailable
from harvester_ton import adapter as adapter_module
from harvester_ton import watcher
from harvester_ton.cells import CellError
from harvester_ton.devnet.local import NANO, LocalTon, Payment
from harvester_ton.history import BEGINNING, Backlog
from tests.contract.recording import running
from tests.ton.watching import HASTE, PATIENCE_SECS, Notebook, build, environ, eventually, needs_chain, scanning

pytestmark = needs_chain


@pytest.fixture
async def ton() -> AsyncIterator[LocalTon]:
    """A chain that makes blocks when it is told to."""
    async with LocalTon(jettons={}) as chain:
        yield chain


def merchant(ton: LocalTon) -> tuple[int, bytes]:
    """Where payments go."""
    return ton.wallet("merchant").address


async def test_payments_are_seen_block_by_block(ton: LocalTon) -> None:
    ledger = Notebook()
    async with scanning(ton, ledger):
        await ledger.when(lambda book: bool(book.batches))
        for amount in (1, 2, 3):
            await ton.pay(merchant(ton), amount, text="a coffee")
            assert await ledger.amounts(amount) == list(range(1, amount + 1))
    assert [transfer.text for transfer in ledger.transfers] == ["a coffee"] * 3


async def test_a_new_account_starts_at_its_present_position(ton: LocalTon) -> None:
    await ton.pay(merchant(ton), 1)
    ledger = Notebook()
    async with scanning(ton, ledger):
        await ledger.when(lambda book: bool(book.batches))
        await ton.pay(merchant(ton), 2)
        assert await ledger.amounts(1) == [2]


async def test_a_new_account_starts_before_the_oldest_open_invoice(ton: LocalTon) -> None:
    await ton.pay(merchant(ton), NANO + 1)
    ton.advance(7_200)
    await ton.pay(merchant(ton), 2)
    await ton.pay(merchant(ton), 3)
    ledger = Notebook(open_since=datetime.fromtimestamp(ton.now(), UTC))
    async with scanning(ton, ledger):
        assert await ledger.amounts(2) == [2, 3]


async def test_an_account_that_was_deleted_and_made_again_is_followed(ton: LocalTon) -> None:
    ledger = Notebook()
    async with scanning(ton, ledger):
        await ledger.when(lambda book: bool(book.scanned))
        await ton.pay(merchant(ton), 1)
        await ledger.until(1)
        ton.advance(86_400)
        await ton.pay(merchant(ton), 2)  # eaten by the rent for the day: the account is gone
        until = datetime.fromtimestamp(int(ton.now()), UTC)
        await ledger.when(lambda book: until in book.scanned.values())
        await ton.pay(merchant(ton), NANO)
        await ton.pay(merchant(ton), 4)
        assert await ledger.amounts(3) == [1, NANO, 4]


async def test_start_lt_reads_from_there(ton: LocalTon) -> None:
    await ton.pay(merchant(ton), 1, count=3)
    await ton.pay(merchant(ton), 2)
    lts = sorted(ton.account(merchant(ton)).by_lt)
    ledger = Notebook()
    async with scanning(ton, ledger, START_LT=str(lts[2])):
        assert await ledger.amounts(2) == [1, 2]
    everything = Notebook()
    async with scanning(ton, everything, START_LT="0"):
        assert await everything.amounts(4) == [1, 1, 1, 2]
    assert everything.batches[0].cursor_to == str(BEGINNING)


async def test_start_lt_never_starts_later_than_open_invoices(ton: LocalTon) -> None:
    await ton.pay(merchant(ton), 1)
    ledger = Notebook(open_since=datetime.fromtimestamp(ton.now(), UTC))
    async with scanning(ton, ledger, START_LT=str(2**63)):
        assert await ledger.amounts(1) == [1]


async def test_a_backlog_of_several_segments_comes_once_and_in_order(
    ton: LocalTon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "Backlog", partial(Backlog, segment=50))
    ledger = Notebook()
    async with scanning(ton, ledger):
        await ledger.when(lambda book: bool(book.batches))
    await ton.burst([Payment(merchant(ton), 1 + number, sender="exchange") for number in range(230)], per_block=100)
    async with scanning(ton, ledger):
        await ledger.until(230)
    assert [transfer.tx_hash for transfer in ledger.transfers] == arrived(ton)
    assert len([batch for batch in ledger.batches if batch.transfers]) == 5


async def test_a_kill_in_the_middle_of_a_backlog_loses_and_doubles_nothing(
    ton: LocalTon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "Backlog", partial(Backlog, segment=20))
    await ton.burst([Payment(merchant(ton), 1 + number, sender="exchange") for number in range(100)])
    ledger = Notebook()
    for seen in (20, 60, 100):
        adapter = build(environ(ton, START_LT="0"))
        running_task = asyncio.create_task(adapter.run(ledger, asyncio.Event()))
        await ledger.amounts(seen)
        running_task.cancel()
        await asyncio.wait([running_task])
    assert [transfer.tx_hash for transfer in ledger.transfers] == arrived(ton)


async def test_a_batch_at_hand_is_finished_before_the_end(ton: LocalTon) -> None:
    ledger = Notebook()
    adapter = build(environ(ton))
    stop = asyncio.Event()
    run = asyncio.create_task(adapter.run(ledger, stop))
    await ledger.when(lambda book: bool(book.scanned))
    ledger.gate.clear()
    await ton.pay(merchant(ton), 9)
    await eventually(lambda: ledger.held == 1)
    stop.set()
    await asyncio.wait([run], timeout=0.1)
    assert not run.done()
    ledger.gate.set()
    async with asyncio.timeout(PATIENCE_SECS):
        await run
    assert [transfer.amount for transfer in ledger.transfers] == [9]


async def test_another_process_on_the_same_account_does_no_harm(ton: LocalTon) -> None:
    ledger = Notebook()
    async with scanning(ton, ledger), scanning(ton, ledger):
        await ledger.when(lambda book: bool(book.scanned))
        for amount in range(1, 6):
            await ton.pay(merchant(ton), amount)
        assert await ledger.amounts(5) == [1, 2, 3, 4, 5]
        await ton.produce_block()
    assert len(ledger.transfers) == 5


async def test_a_database_that_is_away_is_waited_for(ton: LocalTon) -> None:
    ledger = Notebook()
    async with scanning(ton, ledger) as adapter:
        await ledger.when(lambda book: bool(book.scanned))
        ledger.faults = [
            CursorConflict("moved"),
            Unavailable("the database is away"),
            Unavailable("the database is away"),
        ]
        await ton.pay(merchant(ton), 5)
        await eventually(lambda: any("the database is away" in reason for reason in adapter.health().reasons))
        assert await ledger.amounts(1) == [5]
        await eventually(lambda: adapter.health().ready)


async def test_the_watermark_is_the_time_of_the_accounts_shard_block(ton: LocalTon) -> None:
    ledger = Notebook(open_since=datetime.now(UTC))
    async with scanning(ton, ledger) as adapter:
        await ledger.when(lambda book: bool(book.scanned))
        for _ in range(3):
            ton.advance(5)
            block = await ton.produce_block()
            until = datetime.fromtimestamp(block.shard.gen_utime, UTC)
            await ledger.when(lambda book, until=until: until in book.scanned.values())  # type: ignore[misc]
            assert adapter.health().head_time == until


async def test_an_idle_account_is_written_rarely_unless_an_invoice_is_open(ton: LocalTon) -> None:
    ledger = Notebook()
    async with scanning(ton, ledger) as adapter:
        await ledger.when(lambda book: bool(book.scanned))
        written = len(ledger.batches)
        for _ in range(10):
            ton.advance(2)
            await ton.produce_block()
            head = datetime.fromtimestamp(int(ton.now()), UTC)
            await eventually(lambda head=head: adapter.health().scanned_until == head)  # type: ignore[misc]
        assert len(ledger.batches) == written
        ton.advance(watcher.IDLE_WATERMARK_SECS)
        await ton.produce_block()
        await ledger.when(lambda book: len(book.batches) == written + 1)
        ledger.open_since = datetime.now(UTC)
        ton.advance(1)
        await ton.produce_block()
        await ledger.when(lambda book: len(book.batches) == written + 2)


async def test_blocks_within_one_second_cost_the_ledger_nothing(ton: LocalTon) -> None:
    ledger = Notebook(open_since=datetime.now(UTC))
    async with scanning(ton, ledger) as adapter:
        await ledger.when(lambda book: bool(book.scanned))
        ton.advance(1 - ton.now() % 1)
        times, blocks = set(), 10
        for _ in range(blocks):
            block = await ton.produce_block()
            seqno, time = block.master.id.seqno, block.shard.gen_utime
            times.add(time)
            await eventually(lambda seqno=seqno: adapter._pool._best[-1][0] == seqno)  # type: ignore[misc]
        await ledger.when(lambda book: datetime.fromtimestamp(time, UTC) in book.scanned.values())
    assert len(ledger.batches) - 2 <= ledger.asked - 1 <= len(times) < blocks


async def test_a_cursor_of_another_network_stops_the_scan_and_says_so(ton: LocalTon) -> None:
    await ton.pay(merchant(ton), 1)
    ledger = Notebook()
    async with scanning(ton, ledger):
        await ledger.when(lambda book: bool(book.scanned))
    (account,) = ledger.cursors
    ledger.cursors[account] = f"{2**62}:{'00' * 32}"
    async with scanning(ton, ledger) as adapter:
        await eventually(lambda: any("another network" in reason for reason in adapter.health().reasons))
        assert not adapter.health().ready
    assert ledger.transfers == []


async def test_an_unreadable_transaction_stops_its_account_and_no_server(
    ton: LocalTon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        raise CellError("of a kind from the future")

    ledger = Notebook()
    async with scanning(ton, ledger) as adapter:
        await ledger.when(lambda book: bool(book.scanned))
        with monkeypatch.context() as broken:
            broken.setattr(adapter_module, "decode_coins", decode)
            await ton.pay(merchant(ton), 1)
            await eventually(lambda: any("from the future" in reason for reason in adapter.health().reasons))
            assert adapter._pool.nodes[0].fault is None
        assert await ledger.amounts(1) == [1]


async def test_chain_time_may_be_anything(ton: LocalTon) -> None:
    ton.advance(timedelta(days=400).total_seconds())
    ledger = Notebook()
    async with scanning(ton, ledger):
        await ledger.when(lambda book: bool(book.scanned))
        await ton.pay(merchant(ton), 4)
        assert await ledger.amounts(1) == [4]


async def test_it_ends_at_once_while_no_server_answers(ton: LocalTon) -> None:
    await ton.set_faults("stall")
    adapter = build(environ(ton), replace(HASTE, connect=2 * PATIENCE_SECS, query=2 * PATIENCE_SECS))
    async with asyncio.timeout(PATIENCE_SECS), running(adapter, Notebook()):
        await asyncio.sleep(0.2)


def arrived(ton: LocalTon) -> list[str]:
    """Return the hashes of the merchant's transactions, oldest first."""
    account = ton.account(merchant(ton))
    return [account.by_lt[lt].hash.hex() for lt in sorted(account.by_lt)]
