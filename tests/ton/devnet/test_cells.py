"""Cells, bags and dictionaries of the local chain, compared with the reference library."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytoniq_core import Cell as ReferenceCell
from pytoniq_core import HashMap as ReferenceHashMap

from harvester_ton.devnet.boc import flatten, pruned_branch, read_boc, read_root, write_boc, write_flat
from harvester_ton.devnet.cells import Builder, Cell, CellError
from harvester_ton.devnet.hashmap_aug import HashMap, cell_path, read_hashmap
from harvester_ton.devnet.merkle import merkle_proof, merkle_update


@st.composite
def trees(draw: st.DrawFn, depth: int = 4) -> Cell:
    """Small ordinary trees, sub-trees shared now and then."""
    refs = draw(st.lists(trees(depth=depth - 1), max_size=3)) if depth else []
    bits = draw(st.integers(0, 120))
    builder = Builder().uint(draw(st.integers(0, (1 << bits) - 1)), bits)
    for ref in refs + refs[:1]:
        builder.ref(ref)
    return builder.end()


@given(st.lists(trees(), min_size=1, max_size=4))
def test_bags_of_several_roots_are_read_alike_by_both_libraries(roots: list[Cell]) -> None:
    data = write_boc(roots)
    hashes = [root.hash for root in roots]
    assert [root.hash for root in read_boc(data)] == hashes
    assert [root.hash for root in ReferenceCell.from_boc(data)] == hashes
    assert write_flat([flatten(root) for root in roots]) == data


@given(trees(), st.data())
def test_a_proof_keeps_the_hash_whatever_is_pruned(root: Cell, data: st.DataObject) -> None:
    keep = {root.hash, *data.draw(st.sets(st.sampled_from([root.hash, *(ref.hash for ref in root.refs)])))}
    proof = merkle_proof(root, keep)
    reference = ReferenceCell.one_from_boc(write_boc(proof))
    assert (reference.hash, reference[0].get_hash(0)) == (proof.hash, root.hash)
    assert proof.refs[0].level_depth(0) == root.depths[0]


@given(trees(), trees())
def test_an_update_and_its_own_pruning_agree_with_the_reference(old: Cell, new: Cell) -> None:
    update = merkle_update(old, new)
    shown = Cell(update.data, update.bits, [pruned_branch(ref, 1) for ref in update.refs], update.kind)
    for cell in (update, shown):
        reference = ReferenceCell.one_from_boc(write_boc(cell))
        assert (reference.hash, reference.level_mask.mask) == (cell.hash, cell.mask)
        assert [ref.get_hash(0) for ref in reference.refs] == [old.hash, new.hash]


@given(st.dictionaries(st.integers(0, 2**64 - 1), st.integers(0, 255), min_size=1, max_size=40), st.data())
def test_dictionaries_grow_and_shrink_into_the_same_cells(values: dict[int, int], data: st.DataObject) -> None:
    built, reference = HashMap(64), ReferenceHashMap(64).with_uint_values(8)
    for key, value in values.items():
        built = built.set(key, Builder().uint(value, 8))
        reference.set_int_key(key, value)
    assert built.root
    assert built.root.hash == reference.serialize().hash
    assert {key: reader.uint(8) for key, reader in read_hashmap(built.root, 64).items()} == values
    key = data.draw(st.sampled_from(sorted(values)))
    assert [cell.hash for cell in cell_path(built.root, 64, key)] == [cell.hash for cell in built.path(key)]
    smaller = built.drop(key)
    assert smaller.leaf(key) is None
    assert built.leaf(key) is not None
    reference.map.pop(key)
    assert smaller.root == (None if not reference.map else smaller.root)
    if smaller.root:
        assert smaller.root.hash == reference.serialize().hash


@pytest.mark.parametrize("damage", [b"", b"\xb5\xee\x9c\x72", b"\x00" * 40])
def test_a_damaged_bag_is_refused(damage: bytes) -> None:
    with pytest.raises(CellError):
        read_root(damage)


@given(st.data())
def test_a_cut_bag_is_refused(data: st.DataObject) -> None:
    whole = write_boc(data.draw(trees()))
    with pytest.raises(CellError):
        read_root(whole[: data.draw(st.integers(0, len(whole) - 1))])
