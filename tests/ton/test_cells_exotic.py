"""Exotic cells: hashes at every level, and the shapes that the reference implementation accepts."""

import pytest
from pytoniq_core import Cell as TheirCell
from pytoniq_core import begin_cell
from pytoniq_core.boc.tvm_bitarray import TvmBitarray

from harvester_ton.cell_building import build_cell, cell_from_bits
from harvester_ton.cells import LIBRARY_BIT, Cell, CellError, CellKind

LEAF = cell_from_bits(5, 3)
TREE = build_cell(b"\xaa", 8, (LEAF,))


def exotic(data: bytes, *refs: Cell) -> Cell:
    """An exotic cell of whole bytes."""
    return build_cell(data, len(data) * 8, refs, exotic=True)


def pruned(*cells: Cell, mask: int = 1) -> Cell:
    """The branch of the first cell pruned; further cells stand for its higher levels."""
    hashes = b"".join(cell.hash_at(0) for cell in cells)
    depths = b"".join(cell.depth_at(0).to_bytes(2) for cell in cells)
    return exotic(bytes((1, mask)) + hashes + depths)


def proof(cell: Cell) -> Cell:
    """A Merkle proof of `cell`."""
    return exotic(b"\x03" + cell.hash_at(0) + cell.depth_at(0).to_bytes(2), cell)


def update(old: Cell, new: Cell) -> Cell:
    """A Merkle update."""
    hashes = old.hash_at(0) + new.hash_at(0)
    return exotic(b"\x04" + hashes + old.depth_at(0).to_bytes(2) + new.depth_at(0).to_bytes(2), old, new)


def theirs(cell: Cell) -> TheirCell:
    """The same tree as pytoniq computes it."""
    bits = TvmBitarray(1023)
    bits.frombytes(cell.data)
    kind = -1 if cell.kind is CellKind.ORDINARY else int(cell.kind)
    return TheirCell(bits[: cell.bits], [theirs(ref) for ref in cell.refs], kind)


def test_a_pruned_tree_keeps_hash_and_depth_of_the_whole_at_level_0() -> None:
    cut = build_cell(TREE.data, TREE.bits, (pruned(LEAF),))
    assert (cut.hash_at(0), cut.depth_at(0)) == (TREE.hash, TREE.depth)
    assert (cut.level, cut.hash_at(1)) == (1, cut.hash)
    assert cut.hash != TREE.hash


def test_a_merkle_proof_takes_a_level_away() -> None:
    root = proof(build_cell(TREE.data, TREE.bits, (pruned(LEAF),)))
    assert root.level == 0
    assert root.exotics == 1 << CellKind.PRUNED_BRANCH | 1 << CellKind.MERKLE_PROOF


def test_hashes_at_all_levels_are_those_of_pytoniq() -> None:
    inner = proof(build_cell(b"\xbb", 8, (pruned(LEAF), pruned(LEAF, TREE, mask=3))))
    deep = build_cell(b"\xcc", 8, (pruned(TREE, LEAF, TREE, mask=7), inner, pruned(LEAF, mask=4)))
    for cell in (inner, deep, proof(deep), update(deep, inner)):
        other = theirs(cell)
        assert cell.level_mask == other.level_mask.mask
        for level in range(4):
            assert cell.hash_at(level) == other.get_hash(level)
            assert cell.depth_at(level) == other.get_depth(level)


def test_a_library_cell_is_of_level_0_and_marks_the_tree_above() -> None:
    library = exotic(b"\x02" + bytes(32))
    assert library.level == 0
    assert build_cell(b"", 0, (library,)).exotics == LIBRARY_BIT


HASH = bytes(32)
DEPTH = bytes(2)


@pytest.mark.parametrize(
    ("data", "refs"),
    [
        (b"", ()),
        (b"\x00" + HASH, ()),
        (b"\x05" + HASH, ()),
        (b"\x01", ()),
        (b"\x01\x00" + HASH + DEPTH, ()),
        (b"\x01\x08" + HASH + DEPTH, ()),
        (b"\x01\x01" + HASH + DEPTH + b"\x00", ()),
        (b"\x01\x03" + HASH + DEPTH, ()),
        (b"\x01\x01" + HASH + DEPTH, (LEAF,)),
        (b"\x01\x01" + HASH + b"\x04\x01", ()),
        (b"\x02" + HASH[1:], ()),
        (b"\x02" + HASH, (LEAF,)),
        (b"\x03" + LEAF.hash + b"\x00\x01", (LEAF,)),
        (b"\x03" + HASH + DEPTH, (LEAF,)),
        (b"\x03" + LEAF.hash + DEPTH, ()),
        (b"\x03" + LEAF.hash + DEPTH, (LEAF, LEAF)),
        (b"\x03" + LEAF.hash + DEPTH + b"\x00", (LEAF,)),
        (b"\x04" + LEAF.hash + HASH + DEPTH + DEPTH, (LEAF, LEAF)),
        (b"\x04" + HASH + LEAF.hash + DEPTH + DEPTH, (LEAF, LEAF)),
        (b"\x04" + LEAF.hash + LEAF.hash + DEPTH + b"\x00\x01", (LEAF, LEAF)),
        (b"\x04" + LEAF.hash + LEAF.hash + DEPTH + DEPTH, (LEAF,)),
    ],
)
def test_an_exotic_cell_that_is_not_what_it_says_is_refused(data: bytes, refs: tuple[Cell, ...]) -> None:
    with pytest.raises(CellError):
        exotic(data, *refs)


@pytest.mark.parametrize(("value", "bits"), [(2, 1), (-1, 8), (0, 1024), (0, -1)])
def test_a_cell_takes_only_bits_that_fit(value: int, bits: int) -> None:
    with pytest.raises(CellError):
        cell_from_bits(value, bits)


def test_cells_from_bits_are_those_of_pytoniq() -> None:
    for bits in range(18):
        their = begin_cell().store_uint(1, bits).end_cell() if bits else begin_cell().end_cell()
        assert cell_from_bits(min(bits, 1), bits).hash == their.hash


def test_five_references_are_too_many() -> None:
    with pytest.raises(CellError):
        build_cell(b"", 0, (LEAF,) * 5)
