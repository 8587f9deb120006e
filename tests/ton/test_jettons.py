"""Jetton wallets: found through the master, believed when they name the recipient and that master."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest

from harvester_ton import tl
from harvester_ton.adapter import TonAdapter
from harvester_ton.boc_writing import write_boc
from harvester_ton.cell_building import cell_from_bits
from harvester_ton.devnet.accounts import Address, raw_address
from harvester_ton.devnet.cells import Builder
from harvester_ton.devnet.local import NANO, LocalTon
from harvester_ton.jettons import method_id
from tests.ton.watching import Notebook, eventually, needs_chain, scanning

pytestmark = needs_chain


@pytest.fixture
async def ton() -> AsyncIterator[LocalTon]:
    """A chain with two jettons that makes blocks by itself."""
    async with LocalTon(block_seconds=0.05, lite_servers=2) as chain:
        yield chain


def asset(ton: LocalTon, ticker: str) -> str:
    """Asset id of a jetton of the chain."""
    return f"jetton:{raw_address(ton.jetton(ticker).master)}"


def reasons(adapter: TonAdapter) -> str:
    """Everything that is wrong, in one text."""
    return "\n".join(adapter.health().reasons)


async def test_jettons_are_counted_on_their_wallets_with_and_without_notification(ton: LocalTon) -> None:
    merchant, ledger = ton.wallet("merchant").address, Notebook()
    async with scanning(ton, ledger, ["USDX", "EURX"]) as adapter:
        await eventually(lambda: adapter.health().ready)
        await ton.pay(merchant, 11, "USDX", text="notified")
        await ton.pay(merchant, 12, "USDX", forward_amount_nano=0, text="not notified")
        await ton.pay(merchant, 13, "EURX", sender="buyer2")
        await ton.pay(merchant, 14)
        await ledger.until(4)
        assert reasons(adapter) == ""
    assert ledger.asset(asset(ton, "USDX")) == [11, 12]
    assert ledger.asset(asset(ton, "EURX")) == [13]
    assert ledger.asset("ton") == [14]
    assert {account.asset for account in ledger.cursors} == {"ton", asset(ton, "USDX"), asset(ton, "EURX")}
    assert {account.pay_to_address for account in ledger.cursors} == {raw_address(merchant)}


async def test_a_wallet_that_is_not_deployed_yet_is_watched_and_its_expiry_goes_on(ton: LocalTon) -> None:
    ledger = Notebook()
    async with scanning(ton, ledger, ["USDX"]) as adapter:
        await eventually(lambda: adapter.health().ready)
        assert len(ledger.scanned) == 2


async def test_a_forged_transfer_to_a_wallet_that_is_not_deployed_is_not_believed(ton: LocalTon) -> None:
    merchant, ledger = ton.wallet("merchant").address, Notebook()
    wallet = ton.jetton("USDX").wallet_of(merchant)
    forged = (
        Builder().uint(0x178D4519, 32).uint(0, 64).coins(10**12).address(merchant).address(None).coins(0).uint(0, 1)
    )
    async with scanning(ton, ledger, ["USDX"]) as adapter:
        await eventually(lambda: adapter.health().ready)
        await ton.pay(wallet, NANO, payload=forged.end())
        await ton.pay(merchant, 5, "USDX")
        await ledger.until(1)
        await eventually(lambda: adapter.health().ready)
    assert ledger.asset(asset(ton, "USDX")) == [5]


async def test_a_counterfeit_with_the_same_ticker_is_nothing_to_us(ton: LocalTon) -> None:
    merchant, ledger = ton.wallet("merchant").address, Notebook()
    counterfeit = await ton.add_jetton("USDX", 6)
    assert counterfeit is not ton.jetton("USDX")
    async with scanning(ton, ledger, ["USDX"]) as adapter:
        await eventually(lambda: adapter.health().ready)
        await ton.pay(merchant, 10**12, raw_address(counterfeit.master))
        await ton.pay(merchant, 6, "USDX")
        await ledger.until(1)
    assert [transfer.amount for transfer in ledger.transfers if not transfer.ignored] == [6]


async def test_a_master_that_is_no_jetton_holds_up_nothing_else(ton: LocalTon) -> None:
    merchant, ledger = ton.wallet("merchant").address, Notebook()
    buyer, nobody = raw_address(ton.wallet("buyer").address), "0:" + "77" * 32
    async with scanning(ton, ledger, JETTONS=f"BAD 9 {buyer}, GONE 9 {nobody}") as adapter:
        await eventually(
            lambda: "BAD: get_wallet_address" in reasons(adapter) and "GONE: get_wallet" in reasons(adapter)
        )
        await ton.pay(merchant, 7)
        assert await ledger.amounts(1) == [7]
        assert all(node.fault is None for node in adapter._pool.nodes)
        assert not adapter.health().ready


def address_stack(address: Address) -> bytes:
    """Return the stack with one address, as `get_wallet_address` leaves it."""
    cell = cell_from_bits(0b100 << 264 | (address[0] & 0xFF) << 256 | int.from_bytes(address[1]), 267)
    return write_boc(cell_from_bits(1 << 34 | 0x04 << 26 | 267 << 6, 58, (cell_from_bits(0, 0), cell)))


def names(address: Address) -> Callable[[bytes, bytes], bytes]:
    """Make a server answer `get_wallet_address` with `address`."""

    def tamper(query: bytes, answer: bytes) -> bytes:
        asked = int.from_bytes(query[4 + 4 + 80 + 36 :][:8], "little")
        if query[:4] != tl.RUN_SMC_METHOD or asked != method_id("get_wallet_address"):
            return answer
        return answer[: 4 + 4 + 160 + 4] + tl.encode_bytes(address_stack(address))

    return tamper


async def test_servers_that_disagree_about_the_wallet_are_both_disbelieved(ton: LocalTon) -> None:
    merchant, ledger = ton.wallet("merchant").address, Notebook(open_since=datetime.now(UTC))
    counterfeit = await ton.add_jetton("USDX", 6)
    ton.servers[1].faults.tamper = names(counterfeit.wallet_of(merchant))
    async with scanning(ton, ledger, ["USDX"], VERIFY="none") as adapter:
        await eventually(lambda: "disagree about the address" in reasons(adapter))
        await ton.pay(merchant, 10**12, raw_address(counterfeit.master))
        await ton.pay(merchant, 5)
        assert await ledger.amounts(1) == [5]
        ton.servers[1].faults.tamper = None
        await ton.pay(merchant, 6, "USDX")
        assert await ledger.amounts(2) == [5, 6]


async def test_a_counterfeit_wallet_is_not_believed_even_if_all_servers_name_it(ton: LocalTon) -> None:
    merchant, ledger = ton.wallet("merchant").address, Notebook(open_since=datetime.now(UTC))
    counterfeit = await ton.add_jetton("USDX", 6)
    for server in ton.servers:
        server.faults.tamper = names(counterfeit.wallet_of(merchant))
    async with scanning(ton, ledger, ["USDX"], VERIFY="none") as adapter:
        await ton.pay(merchant, 10**12, raw_address(counterfeit.master))
        await eventually(lambda: "a counterfeit" in reasons(adapter))
        await ton.pay(merchant, 5)
        assert await ledger.amounts(1) == [5]
        assert ledger.asset(asset(ton, "USDX")) == []
        for server in ton.servers:
            server.faults.tamper = None
        await ton.pay(merchant, 6, "USDX")
        assert await ledger.amounts(2) == [5, 6]
        await eventually(lambda: adapter.health().ready)


async def test_a_wallet_that_the_master_no_longer_names_is_left(ton: LocalTon) -> None:
    merchant, ledger = ton.wallet("merchant").address, Notebook(open_since=datetime.now(UTC))
    counterfeit = await ton.add_jetton("USDX", 6)
    await ton.pay(merchant, 1, "USDX")
    right, wrong = ton.jetton("USDX").wallet_of(merchant)[1], counterfeit.wallet_of(merchant)[1]
    for server in ton.servers:
        server.faults.tamper = names((0, wrong))
    async with scanning(ton, ledger, ["USDX"], VERIFY="none") as adapter:
        await eventually(lambda: adapter.health().ready)
        assert any(wrong.hex() in account.address for account in ledger.cursors)
        for server in ton.servers:
            server.faults.tamper = lambda query, answer, server=server: (
                server._queries.answer(query.replace(wrong, right), server.head)
                if query[:4] == tl.RUN_SMC_METHOD
                else answer
            )
        await ton.pay(merchant, 10**12, raw_address(counterfeit.master))
        await ledger.until(1)
        await eventually(lambda: adapter.health().ready)
    assert ledger.asset(asset(ton, "USDX")) == [1]


@pytest.mark.parametrize(("name", "number"), [("get_wallet_address", 103289), ("get_wallet_data", 97026)])
def test_get_methods_have_the_numbers_that_contracts_know(name: str, number: int) -> None:
    assert method_id(name) == number
