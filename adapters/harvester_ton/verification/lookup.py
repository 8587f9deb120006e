"""Finding one key in a dictionary whose other branches may be pruned away (block.tlb `Hashmap`, `HashmapAug`).

What is found, and that nothing is there, is proven by the cells on the way; a pruned branch on the way proves nothing
and is a CellError like any other exotic cell.
"""

from harvester_ton.cells import Cell, CellError
from harvester_ton.slices import Slice


def find(root: Cell | None, key: int, key_bits: int) -> Slice | None:
    """Return the leaf of the unsigned `key`, placed after its label; None if the key is absent.

    The leaf of an augmented dictionary starts with its extra. `root` None is the empty dictionary. CellError for a
    wrong shape. At most `key_bits` cells are read.
    """
    return find_inline(Slice(root), key, key_bits) if root is not None else None


def find_inline(edge: Slice, key: int, key_bits: int) -> Slice | None:
    """Do the same in a dictionary that is never empty, and whose first edge stands in `edge` itself (`Hashmap`)."""
    missing = key_bits
    while True:
        label, size = _read_label(edge, missing)
        missing -= size
        if key >> missing & ((1 << size) - 1) != label:
            return None
        if not missing:
            return edge
        missing -= 1
        left, right = edge.ref(), edge.ref()
        edge = Slice(right if key >> missing & 1 else left)


def _read_label(edge: Slice, room: int) -> tuple[int, int]:
    """HmLabel: the bits that all keys below share, and how many they are."""
    if not edge.bit():
        size = 0
        while edge.bit():
            size += 1
        return _bits(edge, size, room)
    if not edge.bit():
        return _bits(edge, edge.uint(room.bit_length()), room)
    ones, size = edge.bit(), edge.uint(room.bit_length())
    return ((1 << _fitting(size, room)) - 1) * ones, size


def _bits(edge: Slice, size: int, room: int) -> tuple[int, int]:
    return edge.uint(_fitting(size, room)), size


def _fitting(size: int, room: int) -> int:
    if size > room:
        raise CellError("a dictionary with a key that is too long")
    return size
