"""Merkle proofs and updates over any cells."""

from __future__ import annotations

from harvester_ton.devnet.boc import pruned_branch
from harvester_ton.devnet.cells import MERKLE_PROOF, MERKLE_UPDATE, Cell


def merkle_proof(root: Cell, keep: set[bytes]) -> Cell:
    """The Merkle proof of `root` that keeps the cells with these hashes and prunes the others."""
    shown = _pruned(root, keep, 0)
    data = bytes((MERKLE_PROOF,)) + root.level_hash(0) + root.level_depth(0).to_bytes(2, "big")
    return Cell(data, 8 * len(data), (shown,), MERKLE_PROOF)


def _pruned(cell: Cell, keep: set[bytes], depth: int) -> Cell:
    if cell.hash not in keep:
        return pruned_branch(cell, depth)
    below = depth + (cell.kind in (MERKLE_PROOF, MERKLE_UPDATE))
    return Cell(cell.data, cell.bits, [_pruned(ref, keep, below) for ref in cell.refs], cell.kind)


def tree_hashes(root: Cell) -> set[bytes]:
    """Every cell of a tree: what to keep for showing all of it."""
    found: set[bytes] = set()
    stack = [root]
    while stack:
        cell = stack.pop()
        if cell.hash not in found:
            found.add(cell.hash)
            stack.extend(cell.refs)
    return found


def merkle_update(old: Cell, new: Cell) -> Cell:
    """The update from one state to the next, both shown to their first level."""
    data = bytes((MERKLE_UPDATE,)) + old.hash + new.hash
    data += old.depths[-1].to_bytes(2, "big") + new.depths[-1].to_bytes(2, "big")
    shown = [Cell(state.data, state.bits, [pruned_branch(ref) for ref in state.refs]) for state in (old, new)]
    return Cell(data, 8 * len(data), shown, MERKLE_UPDATE)
