"""Writing a bag of cells: one root, no index, no checksum."""

from harvester_ton.cells import Cell, CellKind


def write_boc(root: Cell) -> bytes:
    """The bytes of `root` and all below it, every distinct cell once. Linear in their number."""
    cells = _parents_first(root)
    places = {cell.hash: place for place, cell in enumerate(cells)}
    width = (len(cells).bit_length() + 7) // 8
    body = b"".join(_write_cell(cell, places, width) for cell in cells)
    size_width = (len(body).bit_length() + 7) // 8
    counts = b"".join(number.to_bytes(width) for number in (len(cells), 1, 0))
    return (
        bytes.fromhex("b5ee9c72")
        + bytes((width, size_width))
        + counts
        + len(body).to_bytes(size_width)
        + bytes(width)
        + body
    )


def _write_cell(cell: Cell, places: dict[bytes, int], width: int) -> bytes:
    first = len(cell.refs) | (cell.kind is not CellKind.ORDINARY) << 3 | cell.level_mask << 5
    refs = b"".join(places[ref.hash].to_bytes(width) for ref in cell.refs)
    return bytes((first, cell.bits // 8 + (cell.bits + 7) // 8)) + cell.data + refs


def _parents_first(root: Cell) -> list[Cell]:
    """Distinct cells, each before all cells it refers to: the reverse of leaving them depth first."""
    left: list[Cell] = []
    seen: set[bytes] = set()
    todo = [(root, False)]
    while todo:
        cell, leaving = todo.pop()
        if leaving:
            left.append(cell)
        elif cell.hash not in seen:
            seen.add(cell.hash)
            todo.append((cell, True))
            todo.extend((ref, False) for ref in cell.refs)
    return left[::-1]
