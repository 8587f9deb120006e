"""Strict reading of TL values: what is cut, padded with anything but zeros, or goes on afterwards is refused.

Source: core.telegram.org/mtproto/serialize, as tl/tl_parsers of the TON node reads it.
"""

import struct
from collections.abc import Callable
from typing import Final, TypeVar

from harvester_ton.tl import BlockId
from harvester_ton.verification.limits import MAX_ANSWER_BYTES
from harvester_ton.verification.refusal import Reason, Refused

_TRUE: Final = bytes.fromhex("b5757299")
_FALSE: Final = bytes.fromhex("379779bc")
_BLOCK_ID: Final = struct.Struct("<iQI32s32s")
_LONG: Final = 254

_T = TypeVar("_T")


class Values:
    """A reading position in an answer `what`; every surprise is a refusal."""

    __slots__ = ("_at", "_data", "what")

    def __init__(self, data: bytes, what: str) -> None:
        if len(data) > MAX_ANSWER_BYTES:
            raise Refused(Reason.TOO_LARGE, f"{what}: {len(data)} bytes")
        self._data = data
        self._at = 0
        self.what = what

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        end = self._at + count
        if end > len(self._data):
            raise self.malformed("it is cut")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def expect(self, constructor: bytes) -> None:
        """Step over the id of the constructor, which must be this one."""
        if (found := self.take(4)) != constructor:
            raise self.malformed(f"type {found.hex()} where {constructor.hex()} was asked for")

    def uint32(self) -> int:
        """Return an unsigned number of 32 bits."""
        return int.from_bytes(self.take(4), "little")

    def flag(self) -> bool:
        """Return a `Bool`."""
        found = self.take(4)
        if found not in (_TRUE, _FALSE):
            raise self.malformed("neither true nor false")
        return found == _TRUE

    def int256(self) -> bytes:
        """Return 32 bytes."""
        return self.take(32)

    def byte_string(self) -> bytes:
        """Return a value of type `bytes`, which must be written in its only right form."""
        start = self._at
        size = self.take(1)[0]
        if size >= _LONG:
            is_long, size = size == _LONG, int.from_bytes(self.take(3), "little")
            if not is_long or size < _LONG:
                raise self.malformed("a byte string with a wrong length")
        data = self.take(size)
        if self.take(-(self._at - start) % 4).strip(b"\0"):
            raise self.malformed("a byte string with a wrong padding")
        return data

    def block_id(self) -> BlockId:
        """Return a `tonNode.blockIdExt`."""
        return BlockId(*_BLOCK_ID.unpack(self.take(_BLOCK_ID.size)))

    def vector(self, limit: int, read: Callable[["Values"], _T]) -> tuple[_T, ...]:
        """Return a vector of at most `limit` values, each read by `read`."""
        count = self.uint32()
        if count > limit:
            raise Refused(Reason.TOO_LARGE, f"{self.what}: {count} entries where {limit} are the most")
        return tuple(read(self) for _ in range(count))

    def end(self) -> None:
        """Check that nothing is left."""
        if self._at != len(self._data):
            raise self.malformed("it goes on after its end")

    def malformed(self, text: str) -> Refused:
        """Make the refusal for bytes that are no such answer."""
        return Refused(Reason.MALFORMED, f"{self.what}: {text}")
