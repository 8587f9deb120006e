"""Lean immutable cells for the local chain: building, reading, pruning, hashing.

pytoniq-core's cells are the reference the tests compare with; these exist because the chain makes thousands
of cells per block and needs exotic cells (pruned branches, Merkle proofs and updates), which the library reads
but cannot write. Layouts: TON white paper "TVM", 3.1.2 - 3.1.7.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

ORDINARY, PRUNED, LIBRARY, MERKLE_PROOF, MERKLE_UPDATE = -1, 1, 2, 3, 4


class CellError(ValueError):
    """A cell or a bag of cells is malformed."""


class Cell:
    """One cell. `data` are its bits with the completion tag already set, `kind` is ORDINARY or an exotic type.

    `hashes` and `depths` hold one entry per significant level, lowest first (a pruned branch: only its own).
    """

    __slots__ = ("bits", "data", "depths", "hashes", "kind", "mask", "refs")

    def __init__(self, data: bytes, bits: int, refs: Sequence[Cell] = (), kind: int = ORDINARY) -> None:
        self.data, self.bits, self.refs, self.kind = data, bits, tuple(refs), kind
        self.mask = self._level_mask()
        self.hashes: tuple[bytes, ...]
        self.depths: tuple[int, ...]
        self.hashes, self.depths = self._plain_hash() if self.mask == 0 and kind < PRUNED else self._level_hashes()

    @property
    def hash(self) -> bytes:
        """The representation hash: what a parent stores and what names the cell."""
        return self.hashes[-1]

    def level_hash(self, level: int) -> bytes:
        """The hash as seen at `level`; level 0 is the hash of the tree that pruned branches stand for."""
        index = (self.mask & ((1 << level) - 1)).bit_count()
        if self.kind == PRUNED:
            below = self.mask.bit_count()
            return self.hashes[0] if index == below else self.data[2 + 32 * index : 34 + 32 * index]
        return self.hashes[index]

    def level_depth(self, level: int) -> int:
        index = (self.mask & ((1 << level) - 1)).bit_count()
        if self.kind == PRUNED:
            below = self.mask.bit_count()
            at = 2 + 32 * below + 2 * index
            return self.depths[0] if index == below else int.from_bytes(self.data[at : at + 2], "big")
        return self.depths[index]

    def descriptors(self, mask: int) -> bytes:
        return bytes((len(self.refs) + 8 * (self.kind >= PRUNED) + 32 * mask, self.bits // 8 + (self.bits + 7) // 8))

    def _level_mask(self) -> int:
        if self.kind == PRUNED:
            return self.data[1]
        mask = 0
        for ref in self.refs:
            mask |= ref.mask
        return mask >> 1 if self.kind >= MERKLE_PROOF else mask

    def _plain_hash(self) -> tuple[tuple[bytes], tuple[int]]:
        refs, bits = self.refs, self.bits
        head = bytes((len(refs), (bits >> 3) + (bits + 7 >> 3))) + self.data
        if not refs:
            return (hashlib.sha256(head).digest(),), (0,)
        depths = [ref.depths[0] for ref in refs]
        parts = [head, *[depth.to_bytes(2, "big") for depth in depths], *[ref.hashes[0] for ref in refs]]
        return (hashlib.sha256(b"".join(parts)).digest(),), (max(depths) + 1,)

    def _level_hashes(self) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
        if self.kind == PRUNED:
            return (hashlib.sha256(self.descriptors(self.mask) + self.data).digest(),), (0,)
        shift = 1 if self.kind in (MERKLE_PROOF, MERKLE_UPDATE) else 0
        hashes: list[bytes] = []
        depths: list[int] = []
        for level in (level for level in range(4) if level == 0 or self.mask >> (level - 1) & 1):
            content = hashes[-1] if hashes else self.data
            below = [ref.level_depth(level + shift) for ref in self.refs]
            tail = b"".join(depth.to_bytes(2, "big") for depth in below)
            tail += b"".join(ref.level_hash(level + shift) for ref in self.refs)
            head = self.descriptors(self.mask & ((1 << level) - 1))
            hashes.append(hashlib.sha256(head + content + tail).digest())
            depths.append(max(below, default=-1) + 1)
        return tuple(hashes), tuple(depths)

    def reader(self) -> Reader:
        return Reader(self)

    def __repr__(self) -> str:
        return f"Cell({self.bits} bits, {len(self.refs)} refs, {self.hash.hex()[:12]})"


class Builder:
    """Collects bits and references of one cell; every method returns the builder itself."""

    __slots__ = ("length", "refs", "value")

    def __init__(self) -> None:
        self.value, self.length = 0, 0
        self.refs: list[Cell] = []

    def uint(self, value: int, bits: int) -> Builder:
        if not 0 <= value < 1 << bits:
            raise CellError(f"{value} does not fit into {bits} unsigned bits")
        self.value = self.value << bits | value
        self.length += bits
        return self

    def sint(self, value: int, bits: int) -> Builder:
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            raise CellError(f"{value} does not fit into {bits} signed bits")
        return self.uint(value & ((1 << bits) - 1), bits)

    def raw(self, value: bytes) -> Builder:
        return self.uint(int.from_bytes(value, "big"), 8 * len(value))

    def coins(self, amount: int) -> Builder:
        """Grams and every other VarUInteger 16: four bits of length, then the bytes."""
        length = (amount.bit_length() + 7) // 8
        return self.uint(length, 4).uint(amount, 8 * length)

    def address(self, address: tuple[int, bytes] | None) -> Builder:
        """`addr_std` without anycast, or `addr_none`."""
        if address is None:
            return self.uint(0, 2)
        return self.uint(0b100, 3).sint(address[0], 8).raw(address[1])

    def ref(self, cell: Cell) -> Builder:
        self.refs.append(cell)
        return self

    def maybe_ref(self, cell: Cell | None) -> Builder:
        return self.uint(0, 1) if cell is None else self.uint(1, 1).ref(cell)

    def append(self, other: Builder | Cell) -> Builder:
        """Bits and references of `other`, inline."""
        if isinstance(other, Cell):
            return self._extend(other.reader().peek(other.bits), other.bits, other.refs)
        return self._extend(other.value, other.length, other.refs)

    def _extend(self, value: int, bits: int, refs: Sequence[Cell]) -> Builder:
        self.value, self.length = self.value << bits | value, self.length + bits
        self.refs.extend(refs)
        return self

    def end(self, kind: int = ORDINARY) -> Cell:
        if self.length > 1023 or len(self.refs) > 4:
            raise CellError(f"a cell holds 1023 bits and 4 references, not {self.length} and {len(self.refs)}")
        spare = -self.length % 8
        value = self.value << spare | (1 << spare - 1 if spare else 0)
        return Cell(value.to_bytes((self.length + spare) // 8, "big"), self.length, self.refs, kind)


class Reader:
    """Reads one cell from its start; running past the end raises `CellError`."""

    def __init__(self, cell: Cell) -> None:
        self._cell, self._left, self._next = cell, cell.bits, 0

    @cached_property
    def _value(self) -> int:
        return int.from_bytes(self._cell.data, "big") >> -self._cell.bits % 8

    @property
    def bits_left(self) -> int:
        return self._left

    @property
    def refs_left(self) -> int:
        return len(self._cell.refs) - self._next

    def peek(self, bits: int) -> int:
        if bits > self._left:
            raise CellError(f"{bits} bits wanted, {self._left} left")
        return self._value >> self._left - bits & ((1 << bits) - 1)

    def uint(self, bits: int) -> int:
        value = self.peek(bits)
        self._left -= bits
        return value

    def sint(self, bits: int) -> int:
        value = self.uint(bits)
        return value - (1 << bits) if value >> bits - 1 else value

    def raw(self, size: int) -> bytes:
        return self.uint(8 * size).to_bytes(size, "big")

    def coins(self) -> int:
        return self.uint(8 * self.uint(4))

    def address(self) -> tuple[int, bytes] | None:
        """`addr_std` without anycast or `addr_none`; the emulator writes no others into messages it routes."""
        tag = self.uint(2)
        if tag == 0:
            return None
        if tag != 2 or self.uint(1):
            raise CellError("only addr_std without anycast is known here")
        return self.sint(8), self.raw(32)

    def ref(self) -> Cell:
        if not self.refs_left:
            raise CellError("no reference left")
        self._next += 1
        return self._cell.refs[self._next - 1]

    def maybe_ref(self) -> Cell | None:
        return self.ref() if self.uint(1) else None
