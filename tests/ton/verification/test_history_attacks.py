"""Histories that lie: the library is shown to believe them where it does, ours refuses every one."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from pytoniq_core import Address

from harvester_ton.devnet.boc import pruned_branch, write_boc
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.tl import AccountAddress, BlockId
from harvester_ton.verification import BEGINNING, Page, Position, Reason, Refused, newer_than, verify_transactions
from tests.ton.verification.bare import Bare
from tests.ton.verification.forge import START_SHARD
from tests.ton.verification.forged_answers import history, transaction, transactions_answer

MERCHANT = AccountAddress(0, b"\xa1" * 32)
OTHER = AccountAddress(0, b"\xa2" * 32)
HISTORY = history(MERCHANT, 8)


def at(root: Cell, lt: int) -> Position:
    """The position of a transaction."""
    return Position(lt, root.level_hash(0))


LAST = at(HISTORY[0], 80)


def proven(roots: Sequence[Cell], start: Position = LAST) -> Page:
    """What ours makes of a page."""
    return verify_transactions(MERCHANT, start, transactions_answer(roots))


def refuses(reason: Reason, answer: bytes, start: Position = LAST) -> None:
    """The page must be refused for this reason."""
    with pytest.raises(Refused) as refusal:
        verify_transactions(MERCHANT, start, answer)
    assert refusal.value.reason is reason, str(refusal.value)


async def believed(roots: Sequence[Cell], trust_level: int, start: Position = LAST) -> int:
    """How many transactions of a page the library believes."""
    client = Bare(trust_level, START_SHARD.id, [transactions_answer(roots)])
    address = Address((MERCHANT.workchain, MERCHANT.hash_part))
    found, _ = await client.raw_get_transactions(address, 16, start.lt, start.hash)
    return len(found)


async def test_an_honest_page_is_believed_by_both() -> None:
    page = proven(HISTORY)
    assert [found.head.lt for found in page.transactions] == [80, 70, 60, 50, 40, 30, 20, 10]
    assert page.next == BEGINNING
    assert await believed(HISTORY, 1) == 8


async def test_hole_6_a_transaction_with_its_content_pruned_is_refused_where_the_library_believes_it() -> None:
    root = HISTORY[0]
    cut = Cell(root.data, root.bits, (pruned_branch(root.refs[0]), *root.refs[1:]))
    deep = root.refs[0]
    hidden_body = Cell(deep.data, deep.bits, (Cell(deep.refs[0].data, deep.refs[0].bits, (pruned_branch(BODY),)),))
    shown = Cell(root.data, root.bits, (hidden_body, *root.refs[1:]))
    assert shown.level_hash(0) == cut.level_hash(0) == root.hash
    assert await believed([shown], 1) == 1
    refuses(Reason.HIDDEN, transactions_answer([cut]))
    refuses(Reason.HIDDEN, transactions_answer([shown]))


BODY = Builder().uint(0, 32).end()


async def test_hole_10_a_missing_transaction_is_refused_where_the_library_at_trust_2_does_not_notice() -> None:
    missing = [*HISTORY[:3], *HISTORY[4:]]
    assert await believed(missing, 2) == 7
    refuses(Reason.BROKEN_CHAIN, transactions_answer(missing))


async def test_hole_10_a_short_answer_leads_on_and_an_empty_one_is_refused() -> None:
    page = proven(HISTORY[:3])
    assert page.next == at(HISTORY[3], 50)
    assert proven(HISTORY[3:], page.next).next == BEGINNING
    refuses(Reason.NO_STEPS, transactions_answer([]))


@pytest.mark.parametrize(
    "roots",
    [
        [HISTORY[0], HISTORY[0], *HISTORY[1:]],
        [HISTORY[1], HISTORY[0], *HISTORY[2:]],
        HISTORY[::-1],
        HISTORY[1:],
        [HISTORY[0], transaction(MERCHANT, 75, (70, b"\1" * 32)), *HISTORY[1:]],
        [*HISTORY, transaction(MERCHANT, 5)],
    ],
    ids=["doubled", "swapped", "reversed", "without the newest", "invented", "before the first"],
)
def test_a_page_that_is_not_the_history_is_refused(roots: list[Cell]) -> None:
    refuses(Reason.BROKEN_CHAIN, transactions_answer(roots))


async def test_a_foreign_transaction_is_refused_where_the_library_does_not_look_at_its_account() -> None:
    foreign = transaction(OTHER, 80, (70, HISTORY[1].hash))
    start = at(foreign, 80)
    assert await believed([foreign], 1, start) == 1
    refuses(Reason.MALFORMED, transactions_answer([foreign]), start)


@pytest.mark.parametrize(
    "block",
    [
        replace(START_SHARD.id, workchain=-1),
        replace(START_SHARD.id, shard=1 << 62),
        replace(START_SHARD.id, shard=0),
    ],
)
def test_a_transaction_from_another_workchain_or_shard_is_refused(block: BlockId) -> None:
    refuses(Reason.OTHER_QUESTION, transactions_answer(HISTORY[:1], block))


def test_a_lying_lt_is_refused() -> None:
    refuses(Reason.BROKEN_CHAIN, transactions_answer(HISTORY[:1]), Position(81, HISTORY[0].hash))
    circular = transaction(MERCHANT, 80, (80, b"\1" * 32))
    refuses(Reason.BROKEN_CHAIN, transactions_answer([circular]), at(circular, 80))


def test_other_numbers_of_roots_than_of_blocks_are_refused() -> None:
    answer = transactions_answer(HISTORY[:2], data=write_boc(HISTORY[:1]))
    refuses(Reason.MALFORMED, answer)
    refuses(Reason.TOO_LARGE, transactions_answer(history(MERCHANT, 17)), at(history(MERCHANT, 17)[0], 170))


def test_what_is_newer_than_the_cursor_ends_at_exactly_the_cursor() -> None:
    page = proven(HISTORY)
    for some in (page, proven(HISTORY[:3])):
        newer = newer_than(some, at(HISTORY[3], 50))
        assert ([found.head.lt for found in newer.transactions], newer.complete) == ([80, 70, 60], True)
    assert newer_than(page, LAST).transactions == ()
    assert newer_than(page, BEGINNING).complete
    assert not newer_than(proven(HISTORY[:3]), BEGINNING).complete


@pytest.mark.parametrize("cursor", [Position(50, b"\1" * 32), Position(55, HISTORY[3].hash), Position(85, b"\1" * 32)])
def test_a_history_that_passes_the_cursor_by_is_a_contradiction(cursor: Position) -> None:
    with pytest.raises(Refused) as refusal:
        newer_than(proven(HISTORY), cursor)
    assert refusal.value.reason is Reason.CONTRADICTION


def test_a_history_that_begins_anew_above_the_cursor_says_so() -> None:
    newer = newer_than(proven(HISTORY), Position(5, b"\1" * 32))
    assert (len(newer.transactions), newer.complete, newer.restarted) == (8, True, True)
