"""How much of one answer is read: the bounds that keep any answer within 100 ms and 50 MB (measured by a test)."""

from typing import Final

from harvester_ton.boc import parse_boc
from harvester_ton.cells import LIBRARY_BIT, Cell
from harvester_ton.verification.refusal import Reason, Refused, reading

MAX_ANSWER_BYTES: Final = 2 << 20
"""Of one whole answer: 16 steps of a block proof on the main network take about 1.2 MB."""
MAX_BOC_BYTES: Final = 1 << 20
"""Of one bag of cells. A message of a transaction holds at most 256 KiB."""

MAX_HEADER_CELLS: Final = 100
"""A header has seven."""
MAX_PROOF_CELLS: Final = 2_000
"""The path to an account has dozens, a config with 400 validators about 900."""
MAX_STATE_CELLS: Final = 10_000
"""Of an account, of a whole config, or of a page of transactions. One message holds at most 8192 cells, and what a
transaction sends on shares them, so that one transaction always fits."""

_CHECKSUM_FLAG: Final = 0x40
_MAX_CHECKSUM_BYTES: Final = 1 << 17
"""Checksums are slow to compute; nodes do not send any."""


def read_bag(data: bytes, what: str, max_cells: int = MAX_PROOF_CELLS) -> tuple[Cell, ...]:
    """Return the roots of the bag of cells `what`, each cell valid (crypto/vm/boc.cpp, DataCell.cpp), or refuse it."""
    has_checksum = len(data) > 4 and data[4] & _CHECKSUM_FLAG
    if len(data) > (_MAX_CHECKSUM_BYTES if has_checksum else MAX_BOC_BYTES):
        raise Refused(Reason.TOO_LARGE, f"{what}: {len(data)} bytes of cells")
    if _count(data) > max_cells:
        raise Refused(Reason.TOO_LARGE, f"{what}: {_count(data)} cells")
    with reading(what):
        return parse_boc(data, MAX_BOC_BYTES, max_cells)


def read_root(data: bytes, what: str, max_cells: int = MAX_PROOF_CELLS) -> Cell:
    """Return the root of a bag that must have exactly one."""
    roots = read_bag(data, what, max_cells)
    if len(roots) != 1:
        raise Refused(Reason.MALFORMED, f"{what}: {len(roots)} roots where one is needed")
    return roots[0]


def refuse_hidden(root: Cell, what: str, allowed: int = LIBRARY_BIT) -> None:
    """Refuse a tree with exotic cells in it; without pruned branches, its hash covers every bit of it.

    `allowed`: kinds that may be there, as `Cell.exotics` has them. Library cells name code by its hash.
    """
    if root.exotics & ~allowed:
        raise Refused(Reason.HIDDEN, f"{what}: pruned or other exotic cells in it")


def _count(data: bytes) -> int:
    """Return the number of cells that the header claims (0 where it is too short to claim any)."""
    width = data[4] & 7 if len(data) > 4 else 0
    return int.from_bytes(data[6 : 6 + width])
