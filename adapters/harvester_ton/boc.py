"""Reading bags of cells (BoC), the byte form of cells (block.tlb `serialized_boc`, crypto/vm/boc.cpp), from anybody.

One pass over the bytes finds the cells, one pass from the last to the first builds them, so neither nesting nor
sharing of cells costs more than their number.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from harvester_ton.cell_building import build_cell
from harvester_ton.cells import Cell, CellError

MAX_BYTES: Final = 16 << 20
"""A lite server's answer cannot be larger."""
MAX_CELLS: Final = 1 << 18

_GENERIC: Final = bytes.fromhex("b5ee9c72")
_INDEXED: Final = bytes.fromhex("68ff65f3")
_INDEXED_CRC: Final = bytes.fromhex("acc3a728")


class BocError(CellError):
    """These bytes are not a bag of cells: header, sizes, references or checksum are wrong."""


def parse_boc_root(data: bytes, max_bytes: int = MAX_BYTES, max_cells: int = MAX_CELLS) -> Cell:
    """The root of a bag that must have exactly one. CellError as `parse_boc`."""
    roots = parse_boc(data, max_bytes, max_cells)
    if len(roots) != 1:
        raise BocError(f"a bag of cells with one root is needed, this one has {len(roots)}")
    return roots[0]


def parse_boc(data: bytes, max_bytes: int = MAX_BYTES, max_cells: int = MAX_CELLS) -> tuple[Cell, ...]:
    """The roots of a bag of cells, in its order, every cell in it validated.

    Raises BocError for bytes that are no such bag, are cut, go on after it or exceed the limits, CellError for a
    cell that the chain does not allow. Takes time linear in the number of bytes.
    """
    if len(data) > max_bytes:
        raise BocError(f"a bag of cells may have at most {max_bytes} bytes")
    header = _read_header(data)
    if header.cells > max_cells:
        raise BocError(f"a bag of cells may have at most {max_cells} cells")
    cells = _build(data, _find(data, header), header.ref_bytes)
    return tuple(cells[i] for i in header.roots)


@dataclass(frozen=True, slots=True)
class _Header:
    ref_bytes: int
    cells: int
    roots: tuple[int, ...]
    index: tuple[int, int, int] | None
    """Where the index is, the width of its entries, and 1 if their lowest bit is a cache flag."""
    start: int
    end: int


def _read_header(data: bytes) -> _Header:
    """Every length is compared with the size of `data` before anything is sized after it."""
    magic, flags = data[:4], data[4] if len(data) > 6 else 0
    has_index, has_crc, has_cache = _flags(magic, flags)
    ref, off = flags & 7, data[5] if len(data) > 6 else 0
    if not (1 <= ref <= 4 and 1 <= off <= 8) or (has_cache and not has_index):
        raise BocError("not a bag of cells: bad header")
    roots_at = 6 + 3 * ref + off
    counts = [int.from_bytes(data[6 + i * ref : 6 + (i + 1) * ref]) for i in range(3)]
    cells, root_count, absent = counts
    size = int.from_bytes(data[6 + 3 * ref : roots_at])
    generic = magic == _GENERIC
    if cells < 1 or root_count < 1 or absent or root_count > cells or (root_count > 1 and not generic):
        raise BocError("not a bag of cells: bad number of cells or roots")
    index_at = roots_at + root_count * ref * generic
    start = index_at + cells * off * has_index
    if start + size + 4 * has_crc != len(data):
        raise BocError("a bag of cells is cut, or has bytes after it")
    if has_crc and crc32c(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise BocError("a bag of cells with a wrong checksum")
    roots = tuple(_uints(data, roots_at, root_count, ref)) if generic else (0,)
    if max(roots) >= cells:
        raise BocError("a bag of cells with a root that is not in it")
    return _Header(ref, cells, roots, (index_at, off, has_cache) if has_index else None, start, start + size)


def _flags(magic: bytes, flags: int) -> tuple[bool, bool, bool]:
    if magic == _GENERIC and not flags & 0x18:
        return bool(flags & 0x80), bool(flags & 0x40), bool(flags & 0x20)
    if magic in (_INDEXED, _INDEXED_CRC) and flags < 8:
        return True, magic == _INDEXED_CRC, False
    raise BocError("not a bag of cells: it does not begin like one")


def _uints(data: bytes, start: int, count: int, width: int) -> list[int]:
    return [int.from_bytes(data[at : at + width]) for at in range(start, start + count * width, width)]


def _find(data: bytes, header: _Header) -> list[int]:
    """Where each cell starts, in order, and where the last one ends; checked against the index if there is one."""
    at, end, ref = header.start, header.end, header.ref_bytes
    starts = [at]
    for _ in range(header.cells):
        if at + 2 > end:
            raise BocError("a bag of cells ends inside a cell")
        first, second = data[at], data[at + 1]
        at += 2 + _hashes_size(first) + (second + 1 >> 1) + (first & 7) * ref
        starts.append(at)
    if at != end:
        raise BocError("a bag of cells has another size than its cells")
    if header.index:
        index_at, width, shift = header.index
        entries = _uints(data, index_at, header.cells, width)
        if any(entry >> shift != ends - header.start for entry, ends in zip(entries, starts[1:], strict=True)):
            raise BocError("a bag of cells with a wrong index")
    return starts


def _hashes_size(first: int) -> int:
    if first & 7 > 4:
        raise BocError("a cell with more than 4 references")
    return 34 * (1 + (first >> 5).bit_count()) if first & 16 else 0


def _build(data: bytes, starts: list[int], ref_bytes: int) -> list[Cell]:
    count = len(starts) - 1
    cells: list[Cell] = [None] * count  # type: ignore[list-item] # filled from the end, references point forward
    for index in range(count - 1, -1, -1):
        at, end = starts[index], starts[index + 1]
        first, second = data[at], data[at + 1]
        refs_at = end - (first & 7) * ref_bytes
        refs = []
        for ref in data[refs_at:end] if ref_bytes == 1 else _uints(data, refs_at, first & 7, ref_bytes):
            if not index < ref < count:
                raise BocError("a cell refers backwards or out of the bag")
            refs.append(cells[ref])
        content = data[refs_at - (second + 1 >> 1) : refs_at]
        bits = second * 4 if not second & 1 else _open_bits(content)
        cell = build_cell(content, bits, tuple(refs), exotic=bool(first & 8))
        if first >> 5 != cell.level_mask or first & 16:
            _check_stored(data[at:refs_at], cell)
        cells[index] = cell
    return cells


def _open_bits(content: bytes) -> int:
    """Number of bits in content whose last byte is closed by a 1 and zeros."""
    last = content[-1]
    if not last & 0x7F:
        raise BocError("a cell with an empty last byte")
    return len(content) * 8 - (last & -last).bit_length()


def _check_stored(stored: bytes, cell: Cell) -> None:
    """Level and hashes that a bag states must be those of the cell."""
    if stored[0] >> 5 != cell.level_mask:
        raise BocError("a cell with a wrong level")
    levels = [0, *(i + 1 for i in range(3) if cell.level_mask >> i & 1)]
    own = b"".join(map(cell.hash_at, levels)) + b"".join(cell.depth_at(level).to_bytes(2) for level in levels)
    if stored[2 : 2 + len(own)] != own:
        raise BocError("a cell with a wrong stored hash")


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), as bags of cells carry it, little endian."""
    table, crc = _crc_table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 & -(crc & 1))  # noqa: PLW2901 # eight steps of one shift register
        table.append(crc)
    return tuple(table)
