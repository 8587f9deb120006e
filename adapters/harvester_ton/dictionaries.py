"""Reading dictionaries (TON `Hashmap n X`, TVM paper 3.3)."""

from collections.abc import Iterator

from harvester_ton.cells import Cell, CellError
from harvester_ton.slices import Slice


def read_dictionary(root: Cell | None, key_bits: int, max_entries: int) -> Iterator[tuple[int, Slice]]:
    """Yield (key, value) in rising order of unsigned keys; `root` None is the empty dictionary.

    CellError for a wrong shape, and for more than `max_entries` entries: shared cells could make it endless.
    """
    left_over = max_entries
    todo = [(root, 0, key_bits)] if root else []
    while todo:
        cell, key, missing = todo.pop()
        edge = Slice(cell)
        key, missing = _read_label(edge, key, missing)
        if missing:
            left, right = edge.ref(), edge.ref()
            todo += [(right, key << 1 | 1, missing - 1), (left, key << 1, missing - 1)]
            continue
        if not left_over:
            raise CellError(f"a dictionary with more than {max_entries} entries")
        left_over -= 1
        yield key, edge


def _read_label(edge: Slice, key: int, missing: int) -> tuple[int, int]:
    """HmLabel: bits that all keys below share. Returns the longer key and how many of its bits are missing."""
    if not edge.bit():
        size = 0
        while edge.bit():
            size += 1
    elif not edge.bit():
        size = edge.uint(missing.bit_length())
    else:
        ones = edge.bit()
        size = edge.uint(missing.bit_length())
        return key << size | ((1 << size) - 1) * ones, _still_missing(missing, size)
    return key << size | edge.uint(size), _still_missing(missing, size)


def _still_missing(missing: int, size: int) -> int:
    if size > missing:
        raise CellError("a dictionary with a key that is too long")
    return missing - size
