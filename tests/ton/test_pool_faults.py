"""Lite servers that fail, lag or lie beside one that does not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from harvester_ton import tl
from harvester_ton.adapter import TonAdapter
from harvester_ton.devnet.boc import read_boc, write_boc
from harvester_ton.devnet.local import LocalTon
from tests.ton.watching import Notebook, eventually, needs_chain, scanning, server_entry

pytestmark = needs_chain

Tamper = Callable[[bytes, bytes], bytes]


@pytest.fixture
async def ton() -> AsyncIterator[LocalTon]:
    """A chain with two lite servers that makes blocks by itself."""
    async with LocalTon(jettons={}, lite_servers=2, block_seconds=0.05) as chain:
        yield chain


async def pay(ton: LocalTon, amount: int) -> None:
    """Pay the merchant, and see it on the chain."""
    await ton.pay(ton.wallet("merchant").address, amount)


def faults(adapter: TonAdapter) -> list[str | None]:
    """Return what is wrong with each server."""
    return [node.fault for node in adapter._pool.nodes]


async def ready(adapter: TonAdapter) -> None:
    """Wait until all servers are in use and everything is scanned."""
    await eventually(lambda: len(adapter._pool.usable()) == 2 and adapter.health().ready)


@pytest.mark.parametrize("mode", ["drop", "refuse", "stall"])
@pytest.mark.parametrize("server", [0, 1])
async def test_a_failing_server_costs_nothing_while_another_works(ton: LocalTon, mode: str, server: int) -> None:
    ledger = Notebook()
    async with scanning(ton, ledger) as adapter:
        await ready(adapter)
        await ton.set_faults(mode, server=server)
        for amount in (1, 2, 3):
            await pay(ton, amount)
        assert await ledger.amounts(3) == [1, 2, 3]
        await eventually(lambda: faults(adapter)[server] is not None and adapter.health().ready)
        await ton.set_faults("none", server=server)
        await ready(adapter)


@pytest.mark.parametrize("mode", ["drop", "refuse", "stall"])
async def test_when_all_servers_are_away_nothing_is_lost(ton: LocalTon, mode: str) -> None:
    ledger = Notebook()
    async with scanning(ton, ledger) as adapter:
        await ready(adapter)
        await ton.set_faults(mode)
        await pay(ton, 1)
        await pay(ton, 2)
        await eventually(lambda: not adapter.health().ready)
        assert any("no lite server is usable" in reason for reason in adapter.health().reasons)
        await ton.set_faults("none")
        assert await ledger.amounts(2) == [1, 2]
        await ready(adapter)


async def test_servers_that_are_away_at_the_start_are_waited_for(ton: LocalTon) -> None:
    await ton.set_faults("refuse")
    ledger = Notebook()
    async with scanning(ton, ledger) as adapter:
        await eventually(lambda: any("cannot be reached" in reason for reason in adapter.health().reasons))
        await ton.set_faults("none")
        await ready(adapter)


async def test_a_server_that_lags_is_put_aside(ton: LocalTon) -> None:
    ledger = Notebook()
    async with scanning(ton, ledger) as adapter:
        await ready(adapter)
        await ton.set_faults("lag", server=0, lag_blocks=60)
        await eventually(lambda: any("behind" in (fault or "") for fault in faults(adapter)))
        await pay(ton, 1)
        assert await ledger.amounts(1) == [1]
        await eventually(lambda: adapter.health().ready)


async def test_a_server_with_another_key_is_not_believed(ton: LocalTon) -> None:
    wrong = f"127.0.0.1:{ton.servers[0].port}:{server_entry(ton.servers[1]).rpartition(':')[2]}"
    async with scanning(ton, Notebook(), LITE_SERVERS=wrong) as adapter:
        await eventually(lambda: any("is the key right?" in reason for reason in adapter.health().reasons))


def in_history(change: Callable[[tl.TransactionList], tl.TransactionList]) -> Tamper:
    """Lie about histories."""

    def tamper(query: bytes, answer: bytes) -> bytes:
        if query[:4] != tl.GET_TRANSACTIONS or answer[:4] != tl.TRANSACTION_LIST:
            return answer
        honest = tl.read_transactions(answer)
        if len(honest.blocks) < 3:
            return answer
        told = change(honest)
        blocks = b"".join(block.to_bytes() for block in told.blocks)
        return tl.TRANSACTION_LIST + len(told.blocks).to_bytes(4, "little") + blocks + tl.encode_bytes(told.boc)

    return tamper


@in_history
def leaves_one_out(honest: tl.TransactionList) -> tl.TransactionList:
    """Skip the second newest transaction."""
    roots = read_boc(honest.boc)
    return tl.TransactionList(honest.blocks[1:], write_boc([roots[0], *roots[2:]]))


@in_history
def leaves_the_newest_out(honest: tl.TransactionList) -> tl.TransactionList:
    """Begin one too late."""
    return tl.TransactionList(honest.blocks[1:], write_boc(read_boc(honest.boc)[1:]))


@in_history
def answers_nothing(_: tl.TransactionList) -> tl.TransactionList:
    """Say that there is no history."""
    return tl.TransactionList((), b"")


def speaks_nonsense(query: bytes, answer: bytes) -> bytes:
    """Send bytes that are no TL."""
    return b"\xff" * 40 if query[:4] == tl.GET_ACCOUNT_STATE else answer


def tells_of_another_block(query: bytes, answer: bytes) -> bytes:
    """Answer account states of a block that was not asked for."""
    if query[:4] != tl.GET_ACCOUNT_STATE or answer[:4] != tl.ACCOUNT_STATE:
        return answer
    block = tl.read_account_state(answer).block
    return answer[:4] + replace(block, root_hash=bytes(32)).to_bytes() + answer[84:]


def refuses(query: bytes, answer: bytes) -> bytes:
    """Refuse to show accounts."""
    if query[:4] != tl.GET_ACCOUNT_STATE:
        return answer
    return tl.ERROR + (-400).to_bytes(4, "little", signed=True) + tl.encode_bytes(b"not today")


LIES = [
    leaves_one_out,
    leaves_the_newest_out,
    answers_nothing,
    speaks_nonsense,
    tells_of_another_block,
    refuses,
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
async def test_a_lie_is_put_aside_and_nothing_of_it_is_recorded(ton: LocalTon, lie: Tamper) -> None:
    ledger = Notebook()
    async with scanning(ton, ledger) as adapter:
        await ready(adapter)
    ton.servers[0].faults.tamper = lie
    for amount in range(1, 21):
        await pay(ton, amount)
    async with scanning(ton, ledger) as adapter:
        assert await ledger.amounts(20) == list(range(1, 21))
        await eventually(lambda: adapter.health().ready)
    assert len(ledger.transfers) == 20


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
async def test_with_a_liar_alone_nothing_is_recorded_and_the_reason_is_told(ton: LocalTon, lie: Tamper) -> None:
    ledger = Notebook()
    async with scanning(ton, ledger) as adapter:
        await ready(adapter)
    await pay(ton, 1)
    for amount in range(2, 6):
        await pay(ton, amount)
    ton.servers[0].faults.tamper = lie
    await ton.set_faults("refuse", server=1)
    async with scanning(ton, ledger) as adapter:
        await eventually(lambda: bool(adapter._statuses[0].trouble))
        assert not adapter.health().ready
        ton.servers[0].faults.tamper = None
        assert await ledger.amounts(5) == [1, 2, 3, 4, 5]


async def test_an_invented_block_number_pushes_no_other_server_aside(ton: LocalTon) -> None:
    def boasts(_query: bytes, answer: bytes) -> bytes:
        if answer[:4] != tl.MASTERCHAIN_INFO:
            return answer
        block = tl.read_masterchain_info(answer)
        return answer[:4] + replace(block, seqno=block.seqno + 1_000_000).to_bytes() + answer[84:]

    ton.servers[0].faults.tamper = boasts
    ledger = Notebook()
    async with scanning(ton, ledger) as adapter:
        await eventually(lambda: adapter.health().ready)
        for amount in (1, 2, 3):
            await pay(ton, amount)
            await asyncio.sleep(0.2)
        assert await ledger.amounts(3) == [1, 2, 3]
        assert "behind" not in (faults(adapter)[1] or "")
