"""Bags of cells: reading what the emulator and clients send, writing one or many roots.

Layout: crypto/tl/boc.tlb of the TON sources (`serialized_boc#b5ee9c72`), without index and checksum.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Sequence

from harvester_ton.devnet.cells import ORDINARY, PRUNED, Cell, CellError

_MAGIC = bytes.fromhex("b5ee9c72")
_REF_SIZE = 2  # bytes per reference wherever trees are joined
_MAX_CELLS = 1 << 16
_Record = tuple[bytes, list[int]]  # descriptors and data, references


def read_boc(data: bytes) -> list[Cell]:
    """All roots of a bag, in order. Raises `CellError` on anything malformed."""
    try:
        return _read(data)
    except (IndexError, struct.error) as error:
        raise CellError("the bag of cells is cut") from error


def read_root(data: bytes) -> Cell:
    """The only root of a bag."""
    roots = read_boc(data)
    if len(roots) != 1:
        raise CellError(f"one root expected, not {len(roots)}")
    return roots[0]


def read_flat(data: bytes) -> tuple[Cell, FlatTree]:
    """The only root of a bag together with its flat form, for bags that list nothing but that tree, root first."""
    try:
        header = _Header(data)
        records, cells = _parse(data, header)
    except (IndexError, struct.error) as error:
        raise CellError("the bag of cells is cut") from error
    if header.roots != [0]:
        raise CellError("one root at the start expected")
    return cells[0], FlatTree(records)


def _read(data: bytes) -> list[Cell]:
    header = _Header(data)
    _, cells = _parse(data, header)
    return [cells[index] for index in header.roots]


class _Header:
    """Where the cells of a bag start and end, and which are roots."""

    def __init__(self, data: bytes) -> None:
        if data[:4] != _MAGIC:
            raise CellError("not a bag of cells (b5ee9c72 expected)")
        flags, offset_size = data[4], data[5]
        self.size = size = flags & 7
        self.count, roots = (int.from_bytes(data[at : at + size], "big") for at in (6, 6 + size))
        if not 1 <= size <= 4 or not 1 <= roots <= self.count <= _MAX_CELLS * 4:
            raise CellError("the header of the bag of cells is malformed")
        at = 6 + 3 * size + offset_size
        self.roots = [int.from_bytes(data[at + i * size : at + (i + 1) * size], "big") for i in range(roots)]
        self.start = at + roots * size + (self.count * offset_size if flags & 0x80 else 0)
        self.end = len(data) - (4 if flags & 0x40 else 0)


def _parse(data: bytes, header: _Header) -> tuple[list[_Record], list[Cell]]:
    at, size, count = header.start, header.size, header.count
    records: list[_Record] = []
    for index in range(count):
        first, second = data[at], data[at + 1]
        if first & 0x10 or first & 7 > 4:
            raise CellError("cells with stored hashes and absent cells are not supported")
        ends = at + 2 + (second + 1) // 2
        content = data[at:ends]
        at = ends + (first & 7) * size
        refs = [int.from_bytes(data[place : place + size], "big") for place in range(ends, at, size)]
        if refs and not index < min(refs) <= max(refs) < count:
            raise CellError("references must point forward")
        records.append((content, refs))
    if at != header.end:
        raise CellError("the bag of cells is cut, or longer than it says")
    return records, _build(records)


def _build(records: list[_Record]) -> list[Cell]:
    built: dict[int, Cell] = {}
    for index in range(len(records) - 1, -1, -1):
        content, refs = records[index]
        body = content[2:]
        kind = body[0] if content[0] & 8 else ORDINARY
        built[index] = Cell(body, _bit_length(body, content[1]), [built[ref] for ref in refs], kind)
    return [built[index] for index in range(len(records))]


def _bit_length(body: bytes, descriptor: int) -> int:
    if not descriptor & 1:
        return 8 * len(body)
    last = body[-1]
    if not last:
        raise CellError("the completion tag is missing")
    return 8 * len(body) - (last & -last).bit_length()


class FlatTree:
    """The cells of one tree in file order with relative references, ready to be joined with others.

    Joining is concatenation plus an offset per reference; cells shared between trees are written once per tree.
    """

    __slots__ = ("body", "count", "patches", "ref_size")

    def __init__(self, records: Sequence[_Record]) -> None:
        self.count = len(records)
        self.ref_size = _REF_SIZE if self.count < _MAX_CELLS else _REF_SIZE + 1
        self.patches = array("I")  # pairs of position and relative index
        parts: list[bytes] = []
        at = 0
        for content, refs in records:
            parts.append(content)
            at += len(content)
            for index in refs:
                self.patches.extend((at, index))
                parts.append(index.to_bytes(self.ref_size, "big"))
                at += self.ref_size
        self.body = b"".join(parts)


def flatten(root: Cell) -> FlatTree:
    """The flat form of a tree."""
    order = _ordered(root)
    index_of = {cell.hash: index for index, cell in enumerate(order)}
    return FlatTree([(c.descriptors(c.mask) + c.data, [index_of[ref.hash] for ref in c.refs]) for c in order])


def _ordered(root: Cell) -> list[Cell]:
    """Every distinct cell once, parents before children; iterative, because a text may be 1,000 cells deep."""
    done: set[bytes] = set()
    post: list[Cell] = []
    stack: list[tuple[Cell, bool]] = [(root, False)]
    while stack:
        cell, left = stack.pop()
        if left:
            post.append(cell)
        elif cell.hash not in done:
            done.add(cell.hash)
            stack.append((cell, True))
            stack.extend((ref, False) for ref in cell.refs)
    post.reverse()
    return post


def write_flat(trees: Sequence[FlatTree]) -> bytes:
    """A bag with one root per tree, in the order given."""
    if len(trees) == 1:
        return _bag(trees[0].ref_size, trees[0].count, [0], trees[0].body)
    total = sum(tree.count for tree in trees)
    if total >= _MAX_CELLS:
        raise CellError(f"{total} cells are too many for a bag of several roots")
    starts: list[int] = []
    bodies: list[bytes] = []
    start = 0
    for tree in trees:
        starts.append(start)
        bodies.append(_shifted(tree, start) if start else tree.body)
        start += tree.count
    return _bag(_REF_SIZE, total, starts, b"".join(bodies))


def _bag(ref_size: int, count: int, roots: Sequence[int], payload: bytes) -> bytes:
    numbers = (count, len(roots), 0)
    head = _MAGIC + bytes((ref_size, 4)) + b"".join(number.to_bytes(ref_size, "big") for number in numbers)
    head += len(payload).to_bytes(4, "big") + b"".join(root.to_bytes(ref_size, "big") for root in roots)
    return head + payload


def _shifted(tree: FlatTree, start: int) -> bytes:
    body = bytearray(tree.body)
    pack = struct.Struct(">H").pack_into
    patches = iter(tree.patches)
    for at, index in zip(patches, patches, strict=True):
        pack(body, at, index + start)
    return bytes(body)


def write_boc(roots: Cell | Iterable[Cell]) -> bytes:
    """A bag of one or more roots."""
    return write_flat([flatten(root) for root in ((roots,) if isinstance(roots, Cell) else roots)])


def pruned_branch(cell: Cell, merkle_depth: int = 0) -> Cell:
    """The pruned branch that stands for `cell` inside `merkle_depth` further Merkle cells (0 = a plain proof)."""
    if cell.kind == PRUNED:
        return cell
    mask = cell.mask | 1 << merkle_depth
    levels = [level for level in range(4) if level == 0 or cell.mask >> (level - 1) & 1]
    data = bytes((PRUNED, mask))
    data += b"".join(cell.level_hash(level) for level in levels)
    data += b"".join(cell.level_depth(level).to_bytes(2, "big") for level in levels)
    return Cell(data, 8 * len(data), (), PRUNED)
