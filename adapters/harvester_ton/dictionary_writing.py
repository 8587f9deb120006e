"""Writing small dictionaries of cells (TON `Hashmap n ^Cell`, TVM paper 3.3)."""

from collections.abc import Mapping, Sequence

from harvester_ton.cell_building import cell_from_bits
from harvester_ton.cells import Cell


def write_references(entries: Mapping[int, Cell], key_bits: int) -> Cell:
    """Return the root of a dictionary with at least one entry; keys are unsigned numbers of `key_bits` bits."""
    return _edge(sorted(entries.items()), key_bits)


def _edge(entries: Sequence[tuple[int, Cell]], missing: int) -> Cell:
    """Write `hm_edge`, its label in the form that fits all: `hml_long$10 n:(#<= m) s:(n * Bit)`."""
    first, value = entries[0]
    shared = missing - (first ^ entries[-1][0]).bit_length()
    width = missing.bit_length()
    label = (0b10 << width | shared) << shared | first >> (missing - shared)
    bits = 2 + width + shared
    if shared == missing:
        return cell_from_bits(label, bits, (value,))
    rest = missing - shared - 1
    halves = ([(key & (1 << rest) - 1, value) for key, value in entries if key >> rest & 1 == side] for side in (0, 1))
    return cell_from_bits(label, bits, tuple(_edge(half, rest) for half in halves))
