"""Making valid cells: hashes per level, and the rules for exotic cells of the reference implementation.

Every significant level has one hash: that of descriptors, content (the data at the lowest level, the hash of the
level below after that), depths and hashes of the children. A pruned branch brings its lower ones in its data.
"""

from hashlib import sha256

from harvester_ton.cells import MAX_BITS, MAX_DEPTH, Cell, CellError, CellKind

_HASH_BITS = 256
_DEPTH_BITS = 16


def cell_from_bits(value: int, bits: int, refs: tuple[Cell, ...] = (), *, exotic: bool = False) -> Cell:
    """The cell with the lowest `bits` bits of `value`. CellError if it would not be valid."""
    if not 0 <= bits <= MAX_BITS or value < 0 or value >> bits:
        raise CellError(f"a cell holds 0 to {MAX_BITS} bits, and a value must fit in them")
    spare = -bits % 8
    closed = ((value << spare) | (1 << spare >> 1)).to_bytes((bits + spare) // 8)
    return build_cell(closed, bits, refs, exotic=exotic)


def build_cell(data: bytes, bits: int, refs: tuple[Cell, ...], *, exotic: bool = False) -> Cell:
    """Make a cell of bits given as `Cell.data` has them. CellError if the chain would not allow it."""
    if len(refs) > 4:
        raise CellError("a cell has at most 4 references")
    level_mask = exotics = 0
    for ref in refs:
        level_mask |= ref.level_mask
        exotics |= ref.exotics
    if exotic or level_mask:
        return _build_special(data, bits, refs, level_mask, exotics, exotic)
    depth, tail = _children(refs, 0)
    digest = sha256(bytes((len(refs), bits // 8 + (bits + 7) // 8)) + data + tail).digest()
    return Cell(CellKind.ORDINARY, data, bits, refs, 0, exotics, (digest,), (depth,))


def _children(refs: tuple[Cell, ...], level: int) -> tuple[int, bytes]:
    """Depth of a cell above `refs`, and what they add to its hash."""
    if not refs:
        return 0, b""
    depths = [ref.depth_at(level) for ref in refs]
    depth = max(depths) + 1
    if depth > MAX_DEPTH:
        raise CellError(f"cells are nested deeper than {MAX_DEPTH}")
    return depth, b"".join([d.to_bytes(2) for d in depths] + [ref.hash_at(level) for ref in refs])


def _build_special(data: bytes, bits: int, refs: tuple[Cell, ...], level_mask: int, exotics: int, exotic: bool) -> Cell:
    kind = _kind(data, bits) if exotic else CellKind.ORDINARY
    if kind is CellKind.PRUNED_BRANCH:
        level_mask = _pruned_mask(data, bits, refs)
    elif kind is not CellKind.ORDINARY:
        _check_exotic(kind, data, bits, refs)
        level_mask >>= kind in (CellKind.MERKLE_PROOF, CellKind.MERKLE_UPDATE)
    exotics |= exotic << kind
    hashes, depths = _levels(kind, data, bits, refs, level_mask)
    return Cell(kind, data, bits, refs, level_mask, exotics, hashes, depths)


def _levels(
    kind: CellKind, data: bytes, bits: int, refs: tuple[Cell, ...], level_mask: int
) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
    """Hashes and depths of all significant levels, lowest first."""
    levels = [0, *(i + 1 for i in range(3) if level_mask >> i & 1)]
    stored = len(levels) - 1 if kind is CellKind.PRUNED_BRANCH else 0
    hashes, depths = _pruned_content(data, stored)
    is_merkle = kind in (CellKind.MERKLE_PROOF, CellKind.MERKLE_UPDATE)
    content = data
    for level in levels[stored:]:
        mask = level_mask & ((1 << level) - 1)
        first = len(refs) | (kind is not CellKind.ORDINARY) << 3 | mask << 5
        depth, tail = _children(refs, level + is_merkle)
        content = sha256(bytes((first, bits // 8 + (bits + 7) // 8)) + content + tail).digest()
        hashes.append(content)
        depths.append(depth)
    return tuple(hashes), tuple(depths)


def _kind(data: bytes, bits: int) -> CellKind:
    if bits < 8 or not 1 <= data[0] <= 4:
        raise CellError("an exotic cell of no known kind")
    return CellKind(data[0])


def _pruned_mask(data: bytes, bits: int, refs: tuple[Cell, ...]) -> int:
    mask = data[1] if bits >= 16 else 0
    if refs or not 1 <= mask <= 7 or bits != 16 + mask.bit_count() * (_HASH_BITS + _DEPTH_BITS):
        raise CellError("a pruned branch of a wrong shape")
    return mask


def _pruned_content(data: bytes, count: int) -> tuple[list[bytes], list[int]]:
    hashes = [data[2 + 32 * i : 34 + 32 * i] for i in range(count)]
    start = 2 + 32 * count
    depths = [int.from_bytes(data[start + 2 * i : start + 2 * i + 2]) for i in range(count)]
    if max(depths, default=0) > MAX_DEPTH:
        raise CellError(f"a pruned branch deeper than {MAX_DEPTH}")
    return hashes, depths


def _check_exotic(kind: CellKind, data: bytes, bits: int, refs: tuple[Cell, ...]) -> None:
    """Sizes, and that a Merkle cell tells the truth about its children at level 0."""
    if kind is CellKind.LIBRARY:
        if bits != 8 + _HASH_BITS or refs:
            raise CellError("a library cell of a wrong shape")
        return
    count = 1 if kind is CellKind.MERKLE_PROOF else 2
    if len(refs) != count or bits != 8 + count * (_HASH_BITS + _DEPTH_BITS):
        raise CellError("a Merkle cell of a wrong shape")
    depths_at = 1 + 32 * count
    for i, ref in enumerate(refs):
        depth = int.from_bytes(data[depths_at + 2 * i : depths_at + 2 * i + 2])
        if data[1 + 32 * i : 33 + 32 * i] != ref.hash_at(0) or depth != ref.depth_at(0):
            raise CellError("a Merkle cell does not match its content")
