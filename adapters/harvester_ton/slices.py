"""Reading the bits and references of a cell in order; whatever is missing is a CellError."""

from typing import Final

from harvester_ton.cells import Cell, CellError, CellKind

_MAX_ANYCAST: Final = 30


class Slice:
    """A reading position in an ordinary cell. Each read moves it on or raises CellError; sizes are in bits."""

    __slots__ = ("_at", "_refs", "_value", "bits_left")

    def __init__(self, cell: Cell) -> None:
        """Start at the first bit. CellError for an exotic cell, which holds no data."""
        if cell.kind is not CellKind.ORDINARY:
            raise CellError("an exotic cell where data is expected")
        self._value = int.from_bytes(cell.data) >> (-cell.bits % 8)
        self.bits_left = cell.bits
        self._refs = cell.refs
        self._at = 0

    def uint(self, size: int) -> int:
        """An unsigned integer of `size` bits, most significant first."""
        left = self.bits_left - size
        if left < 0:
            raise CellError("a cell ends inside a value")
        self.bits_left = left
        return (self._value >> left) & ((1 << size) - 1)

    def peek(self, size: int) -> int | None:
        """The same without moving; None if fewer bits are left."""
        left = self.bits_left - size
        return None if left < 0 else (self._value >> left) & ((1 << size) - 1)

    def bit(self) -> bool:
        """One bit."""
        return self.uint(1) == 1

    def int_(self, size: int) -> int:
        """A signed integer of `size` bits, two's complement."""
        value = self.uint(size)
        return value - (value >> (size - 1) << size)

    def bytes_(self, size: int) -> bytes:
        """`size` bytes."""
        return self.uint(size * 8).to_bytes(size)

    def var_uint(self, length_bits: int) -> int:
        """VarUInteger: a number of bytes in `length_bits` bits, then these bytes."""
        return self.uint(self.uint(length_bits) * 8)

    def coins(self) -> int:
        """Grams, VarUInteger 16: 0 to 2^120 - 1."""
        return self.var_uint(4)

    def ref(self) -> Cell:
        """The next reference."""
        if self._at == len(self._refs):
            raise CellError("a cell has too few references")
        self._at += 1
        return self._refs[self._at - 1]

    def maybe_ref(self) -> Cell | None:
        """A bit, and the next reference if it is set."""
        return self.ref() if self.bit() else None

    def refs_left(self) -> tuple[Cell, ...]:
        """The references not yet read."""
        return self._refs[self._at :]

    def address(self) -> str | None:
        """A MsgAddress: the raw form of an `addr_std` without anycast, None for any other kind."""
        kind = self.uint(2)
        if kind == 0:
            return None
        if kind == 1:
            self.uint(self.uint(9))
            return None
        anycast = self.bit()
        if anycast:
            self._skip_anycast()
        if kind == 3:
            size = self.uint(9)
            self.uint(32 + size)
            return None
        workchain, account = self.int_(8), self.uint(256)
        return None if anycast else f"{workchain}:{account:064x}"

    def _skip_anycast(self) -> None:
        depth = self.uint(5)
        if not 1 <= depth <= _MAX_ANYCAST:
            raise CellError("an address with a wrong anycast")
        self.uint(depth)
