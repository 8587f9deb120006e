"""Cells, the trees of bits that all TON data is kept in (TON blockchain paper 1.1 and 5.1; TVM paper 3.1)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from harvester.domain.errors import HarvesterError

MAX_DEPTH: Final = 1024
"""Longest path from a cell to its farthest descendant that the chain allows."""
MAX_BITS: Final = 1023


class CellError(HarvesterError):
    """These bytes are not a valid cell, or not what TON puts in this place."""


class CellKind(IntEnum):
    """What a cell is; the exotic ones carry this number in their first byte."""

    ORDINARY = 0
    PRUNED_BRANCH = 1
    LIBRARY = 2
    MERKLE_PROOF = 3
    MERKLE_UPDATE = 4


LIBRARY_BIT: Final = 1 << CellKind.LIBRARY


class Cell:
    """One immutable, validated cell. Made by `build_cell` and `parse_boc` only.

    `hash` is the representation hash. A cell above pruned branches has one more hash and depth per level: level 0
    is the tree with the branches in place, which is what proofs compare.
    """

    __slots__ = ("bits", "data", "depths", "exotics", "hashes", "kind", "level_mask", "refs")

    def __init__(
        self,
        kind: CellKind,
        data: bytes,
        bits: int,
        refs: tuple[Cell, ...],
        level_mask: int,
        exotics: int,
        hashes: tuple[bytes, ...],
        depths: tuple[int, ...],
    ) -> None:
        self.kind = kind
        self.data = data
        """The bits, most significant first; an incomplete last byte is closed by a 1 and zeros."""
        self.bits = bits
        self.refs = refs
        self.level_mask = level_mask
        """Bit i set: pruned branches of level i + 1 lie below. 0 for data that hides nothing."""
        self.exotics = exotics
        """Kinds of the exotic cells in this tree, itself included, as a set of bits `1 << kind`."""
        self.hashes = hashes
        """One for each significant level, lowest first."""
        self.depths = depths

    @property
    def hash(self) -> bytes:
        """Representation hash, 32 bytes."""
        return self.hashes[-1]

    @property
    def depth(self) -> int:
        """Depth of the tree as it is here: 0 without references."""
        return self.depths[-1]

    @property
    def level(self) -> int:
        """Highest level of the pruned branches below, 0 to 3."""
        return self.level_mask.bit_length()

    def hash_at(self, level: int) -> bytes:
        """Hash at `level` (0 to 3): of the tree in which only branches above `level` are pruned."""
        return self.hashes[self._index(level)]

    def depth_at(self, level: int) -> int:
        """Depth at `level` (0 to 3), as `hash_at` sees the tree."""
        return self.depths[self._index(level)]

    def _index(self, level: int) -> int:
        return (self.level_mask & ((1 << level) - 1)).bit_count()

    def __repr__(self) -> str:
        return f"<{self.kind.name} cell {self.hash.hex()[:16]}, {self.bits} bits, {len(self.refs)} refs>"
