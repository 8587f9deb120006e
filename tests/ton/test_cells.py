"""Cells and bags of cells: the same as an independent parser sees them, and safe on any bytes."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytoniq_core import Cell as TheirCell
from pytoniq_core import begin_cell

from harvester_ton.boc import BocError, crc32c, parse_boc, parse_boc_root
from harvester_ton.boc_writing import write_boc
from harvester_ton.cell_building import build_cell, cell_from_bits
from harvester_ton.cells import MAX_DEPTH, Cell, CellError
from tests.ton.recorded import state_bocs, transaction_bocs


def assert_same(our: Cell, their: TheirCell) -> None:
    """Compare everything below two roots, each pair once."""
    seen, todo = set(), [(our, their)]
    while todo:
        one, two = todo.pop()
        if one.hash in seen:
            continue
        seen.add(one.hash)
        assert one.hash == two.hash
        assert one.bits == len(two.bits)
        assert one.level_mask == two.level_mask.mask
        assert [one.hash_at(level) for level in range(4)] == [two.get_hash(level) for level in range(4)]
        assert [one.depth_at(level) for level in range(4)] == [two.get_depth(level) for level in range(4)]
        todo += zip(one.refs, two.refs, strict=True)


@pytest.mark.parametrize("bocs", [transaction_bocs(), state_bocs()], ids=["transactions", "states and proofs"])
def test_every_recorded_cell_has_the_hashes_depths_and_levels_that_pytoniq_computes(bocs: list[bytes]) -> None:
    for data in bocs:
        for our, their in zip(parse_boc(data), TheirCell.from_boc(data), strict=True):
            assert_same(our, their)


def test_the_recorded_proofs_exercise_levels() -> None:
    assert any(root.refs and root.refs[0].level for data in state_bocs() for root in parse_boc(data))


@st.composite
def their_cells(draw: st.DrawFn) -> TheirCell:
    """A tree with shared cells, as pytoniq builds it."""
    cells: list[TheirCell] = []
    for _ in range(draw(st.integers(1, 12))):
        bits = draw(st.text("01", max_size=draw(st.sampled_from([9, 130]))))
        refs = draw(st.lists(st.sampled_from(cells), max_size=4)) if cells else []
        builder = begin_cell().store_bits(bits)
        for ref in refs:
            builder.store_ref(ref)
        cells.append(builder.end_cell())
    return cells[-1]


@given(their_cells(), st.booleans())
def test_any_tree_that_pytoniq_writes_is_read_and_written_back(their: TheirCell, with_crc: bool) -> None:
    our = parse_boc_root(their.to_boc(hash_crc32=with_crc))
    assert_same(our, their)
    assert parse_boc_root(write_boc(our)).hash == our.hash
    assert TheirCell.one_from_boc(write_boc(our)).hash == their.hash


@given(st.sampled_from(transaction_bocs() + state_bocs()), st.data())
def test_a_cut_or_continued_bag_is_refused(boc: bytes, data: st.DataObject) -> None:
    with pytest.raises(BocError):
        parse_boc(boc[: data.draw(st.integers(0, len(boc) - 1))])
    with pytest.raises(BocError):
        parse_boc(boc + data.draw(st.binary(min_size=1, max_size=9)))


@given(st.sampled_from(transaction_bocs() + state_bocs()), st.data())
def test_a_damaged_bag_gives_cells_or_the_typed_refusal_and_nothing_else(boc: bytes, data: st.DataObject) -> None:
    damaged = bytearray(boc)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.one_of(st.integers(0, 12), st.integers(0, len(boc) - 1)))
        damaged[place] = data.draw(st.integers(0, 255))
    try:
        roots = parse_boc(bytes(damaged))
    except CellError:
        return
    assert all(parse_boc_root(write_boc(root)).hash == root.hash for root in roots)


@given(st.binary(max_size=200), st.sampled_from(["b5ee9c72", "68ff65f3", "acc3a728", ""]))
def test_any_bytes_give_cells_or_the_typed_refusal(tail: bytes, magic: str) -> None:
    with contextlib.suppress(CellError):
        parse_boc(bytes.fromhex(magic) + tail)


def test_crc32c_is_castagnoli() -> None:
    assert crc32c(b"123456789") == 0xE3069283


def test_a_wrong_checksum_is_refused() -> None:
    boc = bytearray(begin_cell().store_uint(1, 8).end_cell().to_boc(hash_crc32=True))
    boc[-1] ^= 1
    with pytest.raises(BocError, match="checksum"):
        parse_boc(bytes(boc))


TWO_CELLS = bytes.fromhex("0101ff01") + bytes.fromhex("0002aa")


def bag(flags: int, before: str, cells: bytes = TWO_CELLS, counts: str = "020100") -> bytes:
    """A bag with one-byte sizes: `before` is the root list and the index."""
    head = bytes.fromhex("b5ee9c72") + bytes((flags, 1)) + bytes.fromhex(counts)
    return head + bytes((len(cells),)) + bytes.fromhex(before) + cells


def test_several_roots_come_in_the_order_of_the_bag() -> None:
    cells = bytes.fromhex("0002aa") + bytes.fromhex("0002bb")
    roots = parse_boc(bag(1, "0100", cells, "020200"))
    assert [root.data for root in roots] == [b"\xbb", b"\xaa"]
    with pytest.raises(BocError, match="one root"):
        parse_boc_root(bag(1, "0100", cells, "020200"))


@pytest.mark.parametrize(
    "boc",
    [
        bag(0x81, "000407", bytes.fromhex("01020f01") + bytes.fromhex("0002aa")),
        bag(0xA1, "00080f", bytes.fromhex("01020f01") + bytes.fromhex("0002aa")),
        bytes.fromhex("68ff65f3010102010007040701020f010002aa"),
    ],
    ids=["index", "index with cache bits", "old indexed form"],
)
def test_an_index_is_accepted_if_it_is_right(boc: bytes) -> None:
    assert parse_boc_root(boc).refs[0].data == b"\xaa"
    wrong = bytearray(boc)
    wrong[-8] ^= 4
    with pytest.raises(BocError, match="index"):
        parse_boc(bytes(wrong))


GOOD = bytes.fromhex("01020f01") + bytes.fromhex("0002aa")


@pytest.mark.parametrize(
    ("boc", "why"),
    [
        (bag(1, "02", GOOD), "root that is not in it"),
        (bag(0x11, "00", GOOD), "begin"),
        (bag(0x21, "00", GOOD), "header"),
        (bag(5, "00", GOOD), "header"),
        (bag(1, "00", GOOD, "020000"), "number"),
        (bag(1, "00", GOOD, "020101"), "number"),
        (bag(1, "000000", GOOD, "020300"), "number"),
        (bag(1, "00", GOOD, "030100"), "inside a cell"),
        (bag(1, "00", GOOD, "010100"), "another size"),
        (bag(1, "00", bytes.fromhex("01020f00") + bytes.fromhex("0002aa")), "backwards"),
        (bag(1, "00", bytes.fromhex("01020f02") + bytes.fromhex("0002aa")), "backwards"),
        (bag(1, "00", bytes.fromhex("01020f01") + bytes.fromhex("0001aa")), None),
        (bag(1, "00", bytes.fromhex("01020f01") + bytes.fromhex("000180")), "empty last byte"),
        (bag(1, "00", bytes.fromhex("05020f0101010101") + bytes.fromhex("0002aa")), "4 references"),
        (bag(1, "00", bytes.fromhex("21020f01") + bytes.fromhex("0002aa")), "level"),
    ],
)
def test_a_bag_with_a_wrong_part_is_refused_for_that_part(boc: bytes, why: str | None) -> None:
    if why is None:
        assert parse_boc_root(boc).refs[0].bits == 6
        return
    with pytest.raises(BocError, match=why):
        parse_boc(boc)


def test_stored_hashes_must_be_those_of_the_cell() -> None:
    digest = cell_from_bits(0xAA, 8).hash
    stored = bytes.fromhex("1002") + digest + bytes(2) + b"\xaa"
    assert parse_boc_root(bag(1, "00", stored, "010100")).hash == digest
    with pytest.raises(BocError, match="stored hash"):
        parse_boc(bag(1, "00", stored.replace(digest, bytes(32)), "010100"))


def test_limits_on_bytes_and_cells_hold() -> None:
    boc = bag(1, "00", GOOD)
    with pytest.raises(BocError, match="bytes"):
        parse_boc(boc, max_bytes=len(boc) - 1)
    with pytest.raises(BocError, match="cells"):
        parse_boc(boc, max_cells=1)


def chain(depth: int, width: int = 1) -> Cell:
    """A cell of that depth whose cells each refer to the next `width` times."""
    cell = cell_from_bits(0, 0)
    for _ in range(depth):
        cell = build_cell(b"", 0, (cell,) * width)
    return cell


def test_depth_1024_is_the_limit() -> None:
    assert parse_boc_root(write_boc(chain(MAX_DEPTH))).depth == MAX_DEPTH
    with pytest.raises(CellError, match="deeper"):
        chain(MAX_DEPTH + 1)


def test_shared_cells_cost_their_number_not_their_paths() -> None:
    started = time.process_time()
    root = parse_boc_root(write_boc(chain(MAX_DEPTH, width=4)))
    assert root.depth == MAX_DEPTH
    assert time.process_time() - started < 1
