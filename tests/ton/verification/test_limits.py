"""No answer costs more than 100 ms or 50 MB, however it is made."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from harvester_ton.boc import crc32c
from harvester_ton.devnet.boc import write_boc
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.hashmap_aug import HashMap
from harvester_ton.tl import AccountAddress, encode_bytes
from harvester_ton.verification import (
    Position,
    Reason,
    Refused,
    start_from,
    verify_account_state,
    verify_all_shards,
    verify_block_proof,
    verify_transactions,
)
from harvester_ton.verification.limits import MAX_ANSWER_BYTES, MAX_BOC_BYTES, MAX_STATE_CELLS, read_bag
from tests.ton.verification.committee import Committee, config
from tests.ton.verification.forge import (
    Block,
    header,
    master_block,
    merkle_proof,
    shard_block,
    shard_hashes,
    tree_hashes,
)
from tests.ton.verification.forged_answers import (
    account_answer,
    account_cell,
    accounts,
    block_proof,
    full_proof,
    signed_step,
    transaction,
    transactions_answer,
)
from tests.ton.verification.machine import is_quick

MERCHANT = AccountAddress(0, b"\xa1" * 32)
OLD = Committee("old")
MAX_MEMORY_BYTES = 50_000_000

Run = Callable[[], Any]


def tree(count: int, start: int = 0) -> Cell:
    """A binary tree of about `count` distinct cells."""
    level = [Builder().uint(start + number, 400).end() for number in range(count // 2)]
    while len(level) > 1:
        level = [_above(level[index : index + 2]) for index in range(0, len(level), 2)]
    return level[0]


def _above(cells: list[Cell]) -> Cell:
    builder = Builder().uint(1, 300)
    for cell in cells:
        builder.ref(cell)
    return builder.end()


def largest_account() -> Run:
    """An account of as many cells as are read, with an honest proof."""
    account = account_cell(MERCHANT, 5, tree(100), tree(MAX_STATE_CELLS - 500, 1000))
    shard = shard_block(12, accounts((MERCHANT, account, 44, b"\x99" * 32)))
    master = master_block(header(15, OLD), config(OLD), shard_hashes(shard))
    state = shard.state
    shown = merkle_proof(state, tree_hashes(state) - {account.hash})
    answer = account_answer(master, shard, account, proof=write_boc([shard.header_proof, shown]))
    return lambda: verify_account_state(master.id, MERCHANT, answer)


def largest_page() -> Run:
    """A transaction with the largest message that a network carries."""
    root = transaction(MERCHANT, 10, body=tree(8100))
    answer = transactions_answer([root])
    return lambda: verify_transactions(MERCHANT, Position(10, root.hash), answer)


def largest_block_proof() -> Run:
    """More steps than are taken at once, over key blocks like the main network's: 100 of 400 validators sign, all."""
    names = [Committee(f"of {seqno}", (1,) * 100) for seqno in range(8)]
    blocks: list[Block] = []
    for seqno in range(8):
        crowd = Committee(names[seqno].name, (1,) * 400)
        made = header(seqno + 1, names[max(seqno - 1, 0)], key=True, prev_key=seqno)
        blocks.append(master_block(made, config(names[seqno], {34: crowd.param(main=100)})))
    steps = [signed_step(names[at], blocks[at], blocks[at + 1]) for at in range(7)]
    answer = block_proof(blocks[0].id, blocks[7].id, *steps)
    return lambda: verify_block_proof(start_from(blocks[0].id), blocks[7].id, answer)


@pytest.mark.parametrize("make", [largest_account, largest_page, largest_block_proof])
def test_the_largest_honest_answers_are_proven_within_the_limits(make: Callable[[], Run]) -> None:
    run = make()
    assert is_quick(run)
    tracemalloc.start()
    try:
        run()
        assert tracemalloc.get_traced_memory()[1] < MAX_MEMORY_BYTES
    finally:
        tracemalloc.stop()


def quick_refusal(run: Run) -> Refused:
    """Return how something is refused, which must cost little."""
    refusals: list[Refused] = []

    def refused() -> None:
        with pytest.raises(Refused) as refusal:
            run()
        refusals.append(refusal.value)

    assert is_quick(refused)
    return refusals[-1]


def refused_quickly(data: bytes) -> Reason:
    """Why a bag of cells is refused."""
    return quick_refusal(lambda: read_bag(data, "bag", MAX_STATE_CELLS)).reason


def test_more_cells_or_bytes_than_are_read_are_refused_before_they_are_built() -> None:
    assert refused_quickly(write_boc(tree(MAX_STATE_CELLS + 100))) is Reason.TOO_LARGE
    assert refused_quickly(bytes.fromhex("b5ee9c72") + b"\xff" * MAX_BOC_BYTES) is Reason.TOO_LARGE
    assert refused_quickly(bytes.fromhex("b5ee9c720401ffffffff00000001")) is Reason.TOO_LARGE


def test_a_checksum_is_not_computed_over_more_bytes_than_it_can_be_in_time() -> None:
    data = bytearray(write_boc(tree(4000)))
    data[4] |= 0x40
    assert refused_quickly(bytes(data) + crc32c(bytes(data)).to_bytes(4, "little")) is Reason.TOO_LARGE
    small = bytearray(write_boc(tree(40)))
    small[4] |= 0x40
    assert read_bag(bytes(small) + crc32c(bytes(small)).to_bytes(4, "little"), "bag")


@pytest.mark.parametrize("verify", [verify_block_proof, verify_account_state, verify_transactions])
def test_an_answer_of_more_bytes_than_are_read_is_refused(verify: Callable[..., Any]) -> None:
    first: Any = start_from(START.id) if verify is verify_block_proof else MERCHANT
    with pytest.raises(Refused) as refusal:
        verify(first, START.id, bytes(MAX_ANSWER_BYTES + 1)) if verify is not verify_account_state else verify(
            START.id, first, bytes(MAX_ANSWER_BYTES + 1)
        )
    assert refusal.value.reason is Reason.TOO_LARGE


START = master_block(header(10, OLD, key=True), config(OLD))


def doubling(leaf: Cell, levels: int, prefix: tuple[int, int] = (0, 0)) -> Cell:
    """A tree that is exponentially large, made of few cells: both children of each are the same one."""
    for _ in range(levels):
        leaf = Builder().uint(*prefix).ref(leaf).ref(leaf).end()
    return leaf


def test_shared_cells_do_not_multiply_the_work() -> None:
    root = transaction(MERCHANT, 10, body=doubling(Builder().end(), 1000))
    answer = transactions_answer([root])
    assert is_quick(lambda: verify_transactions(MERCHANT, Position(10, root.hash), answer))


@pytest.mark.parametrize("shape", ["workchains", "shards"])
def test_a_dictionary_that_shares_its_branches_is_refused_for_its_size(shape: str) -> None:
    shards = doubling(some_leaf(), 50, (1, 1)) if shape == "shards" else some_leaf()
    value = Builder().uint(0, 2).ref(shards).end()
    hashes = doubling(value, 32, (0, 2)) if shape == "workchains" else one_entry(shards)
    block = master_block(header(15, OLD), config(OLD), hashes)
    data = write_boc(Builder().maybe_ref(hashes).end())
    answer = bytes.fromhex("2de78f09") + block.id.to_bytes() + encode_bytes(full_proof(block.root)) + encode_bytes(data)
    assert "more than" in str(quick_refusal(lambda: verify_all_shards(block.id, answer)))


def some_leaf() -> Cell:
    """A leaf of the tree of shards."""
    return shard_hashes(shard_block(1, accounts())).refs[0]


def one_entry(shards: Cell) -> Cell:
    """`ShardHashes` of the base workchain alone."""
    root = HashMap(32).set(0, Builder().ref(shards)).root
    if root is None:
        raise AssertionError("a dictionary with a key has a root")
    return root


def test_cells_nested_as_deep_as_the_chain_allows_need_no_recursion() -> None:
    cell = Builder().end()
    for _ in range(1000):
        cell = Builder().uint(1, 8).ref(cell).end()
    root = transaction(MERCHANT, 10, body=cell)
    assert verify_transactions(MERCHANT, Position(10, root.hash), transactions_answer([root])).transactions
    deeper = transaction(MERCHANT, 10, body=Builder().ref(doubling(cell, 30)).end())
    with pytest.raises(Refused, match="nested deeper"):
        verify_transactions(MERCHANT, Position(10, deeper.hash), transactions_answer([deeper]))
