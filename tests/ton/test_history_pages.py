"""Pages of a history, as a real lite server gave them and as a faulty one might."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.payment import Transfer
from harvester_ton import tl
from harvester_ton.cells import Cell, CellError
from harvester_ton.decoding import decode_coins
from harvester_ton.devnet.boc import read_boc, write_boc
from harvester_ton.errors import NodeUnwell
from harvester_ton.history import BEGINNING, Backlog, Cursor, Entry, UnreadableTransaction, read_page
from tests.ton.session import Exchange, asked_history, exchanges

MERCHANT = [exchange for exchange in exchanges("getTransactions") if exchange.name == "transactions merchant"]
ACCOUNT, FIRST_LT, FIRST_HASH = asked_history(MERCHANT[0])
FIRST = Cursor(FIRST_LT, FIRST_HASH)


def page(exchange: Exchange, oldest: Cursor = BEGINNING) -> Sequence[Entry]:
    """Read a recorded page."""
    account, lt, tx_hash = asked_history(exchange)
    return read(tl.read_transactions(exchange.answer), Cursor(lt, tx_hash), oldest, account)


def read(
    answer: tl.TransactionList, first: Cursor = FIRST, oldest: Cursor = BEGINNING, account: str = ACCOUNT
) -> Sequence[Entry]:
    """Read a page of coins."""
    return read_page(answer, account, first, oldest, lambda root: decode_coins(root, account).transfers)


def test_a_real_history_is_read_to_its_beginning() -> None:
    backlog = Backlog(BEGINNING, FIRST)
    entries: Sequence[Entry] = []
    for exchange in MERCHANT:
        assert backlog.wanted is not None
        segment = backlog.take(page(exchange))
        if segment is not None:
            entries = segment.entries
    assert len(entries) == 117
    assert entries[0].previous == BEGINNING
    assert [entry.at.lt for entry in entries] == sorted(entry.at.lt for entry in entries)
    assert sum(len(entry.transfers) for entry in entries) > 50


def test_a_page_ends_at_the_cursor() -> None:
    whole = page(MERCHANT[0])
    assert page(MERCHANT[0], oldest=whole[5].at) == whole[:5]
    assert page(MERCHANT[0], oldest=whole[0].previous) == whole[:1]


@pytest.mark.parametrize("kept", [1, 7, 15])
def test_a_short_page_is_as_good_as_a_full_one(kept: int) -> None:
    answer = tl.read_transactions(MERCHANT[0].answer)
    short = tl.TransactionList(answer.blocks[:kept], write_boc(read_boc(answer.boc)[:kept]))
    assert read(short) == page(MERCHANT[0])[:kept]


def without(index: int) -> Callable[[tl.TransactionList], tl.TransactionList]:
    """Leave one transaction out."""

    def tamper(answer: tl.TransactionList) -> tl.TransactionList:
        roots = read_boc(answer.boc)
        del roots[index]
        return tl.TransactionList(answer.blocks[1:], write_boc(roots))

    return tamper


def reversed_order(answer: tl.TransactionList) -> tl.TransactionList:
    """Oldest first."""
    return replace(answer, boc=write_boc(read_boc(answer.boc)[::-1]))


def repeated(answer: tl.TransactionList) -> tl.TransactionList:
    """The same transaction over and over."""
    return replace(answer, boc=write_boc(read_boc(answer.boc)[:1] * len(answer.blocks)))


def in_another_workchain(answer: tl.TransactionList) -> tl.TransactionList:
    """Blocks of the masterchain."""
    return replace(answer, blocks=tuple(replace(block, workchain=-1) for block in answer.blocks))


def without_a_block(answer: tl.TransactionList) -> tl.TransactionList:
    """One block id too few."""
    return replace(answer, blocks=answer.blocks[1:])


def empty(_: tl.TransactionList) -> tl.TransactionList:
    """Nothing at all."""
    return tl.TransactionList((), b"")


def another_page(_: tl.TransactionList) -> tl.TransactionList:
    """A good page from elsewhere in the history."""
    return tl.read_transactions(MERCHANT[1].answer)


def cut(answer: tl.TransactionList) -> tl.TransactionList:
    """Bytes missing at the end."""
    return replace(answer, boc=answer.boc[:-1])


@pytest.mark.parametrize(
    "tamper",
    [without(0), without(8), reversed_order, repeated, in_another_workchain, without_a_block, empty, another_page, cut],
    ids=lambda tamper: tamper.__qualname__.split(".")[0],
)
def test_a_page_with_a_gap_or_a_contradiction_is_refused(
    tamper: Callable[[tl.TransactionList], tl.TransactionList],
) -> None:
    with pytest.raises((NodeUnwell, CellError)):
        read(tamper(tl.read_transactions(MERCHANT[0].answer)))


def test_a_history_of_another_account_is_refused() -> None:
    with pytest.raises(CellError):
        read(tl.read_transactions(MERCHANT[0].answer), account="0:" + "11" * 32)


def test_a_history_that_leads_past_the_cursor_is_refused() -> None:
    passed = page(MERCHANT[0])[5].at
    for stranger in (passed._replace(hash=b"\x11" * 32), passed._replace(lt=passed.lt + 1)):
        with pytest.raises(NodeUnwell, match="past the cursor"):
            page(MERCHANT[0], oldest=stranger)


def test_a_transaction_that_cannot_be_decoded_is_not_the_nodes_fault() -> None:
    def decode(_: Cell) -> Sequence[Transfer]:
        raise CellError("of a kind from the future")

    with pytest.raises(UnreadableTransaction, match="from the future"):
        read_page(tl.read_transactions(MERCHANT[0].answer), ACCOUNT, FIRST, BEGINNING, decode)


def test_the_beginning_ends_a_history_even_where_a_cursor_is_expected() -> None:
    last = page(MERCHANT[-1])
    reborn = page(MERCHANT[-1], oldest=Cursor(1, b"\x22" * 32))
    assert reborn == last
    assert reborn[-1].previous == BEGINNING


@given(place=st.integers(0, len(MERCHANT[3].answer) - 1), value=st.integers(0, 255))
def test_a_changed_byte_never_changes_what_is_read(place: int, value: int) -> None:
    damaged = bytearray(MERCHANT[3].answer)
    damaged[place] = value
    try:
        entries = page(replace(MERCHANT[3], answer=bytes(damaged)))
    except (NodeUnwell, CellError):
        return
    assert list(entries) == list(page(MERCHANT[3]))[: len(entries)]
