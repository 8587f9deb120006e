"""The few TL constructors of ADNL-TCP and of the lite API that the local lite server speaks.

A constructor's number is the CRC-32 of its line in lite_api.tl / ton_api.tl, without parentheses.
"""

from __future__ import annotations

import functools
import struct
import zlib
from typing import Final


class TlError(ValueError):
    """A query that is cut or malformed."""


@functools.cache
def constructor(line: str) -> bytes:
    """The four bytes that name a constructor."""
    return zlib.crc32(line.replace("(", "").replace(")", "").encode()).to_bytes(4, "little")


PING: Final = constructor("tcp.ping random_id:long = tcp.Pong")
PONG: Final = constructor("tcp.pong random_id:long = tcp.Pong")
ADNL_QUERY: Final = constructor("adnl.message.query query_id:int256 query:bytes = adnl.Message")
ADNL_ANSWER: Final = constructor("adnl.message.answer query_id:int256 answer:bytes = adnl.Message")
LITE_QUERY: Final = constructor("liteServer.query data:bytes = Object")
WAIT_SEQNO: Final = constructor("liteServer.waitMasterchainSeqno seqno:int timeout_ms:int = Object")
ERROR: Final = constructor("liteServer.error code:int message:string = liteServer.Error")

TRUE: Final = constructor("boolTrue = Bool")
FALSE: Final = constructor("boolFalse = Bool")


def pack_bytes(value: bytes) -> bytes:
    """TL `bytes`: length, value, padding to four."""
    head = bytes((len(value),)) if len(value) < 254 else b"\xfe" + len(value).to_bytes(3, "little")
    return head + value + bytes(-(len(head) + len(value)) % 4)


def pack_bool(value: bool) -> bytes:  # a codec for booleans
    return TRUE if value else FALSE


def pack_error(code: int, message: str) -> bytes:
    """`liteServer.error`."""
    return ERROR + struct.pack("<i", code) + pack_bytes(message.encode())


class TlReader:
    """Reads a query from its start; running past the end raises `TlError`."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def rest(self) -> bytes:
        return self._data[self._at :]

    def raw(self, size: int) -> bytes:
        if size < 0 or self._at + size > len(self._data):
            raise TlError(f"{size} bytes wanted, {len(self._data) - self._at} left")
        self._at += size
        return self._data[self._at - size : self._at]

    def int32(self) -> int:
        return int.from_bytes(self.raw(4), "little", signed=True)

    def uint32(self) -> int:
        return int.from_bytes(self.raw(4), "little")

    def int64(self) -> int:
        return int.from_bytes(self.raw(8), "little", signed=True)

    def boolean(self) -> bool:
        return self.raw(4) == TRUE

    def blob(self) -> bytes:
        head = self.raw(1)[0]
        size, used = (int.from_bytes(self.raw(3), "little"), 4) if head == 254 else (head, 1)
        value = self.raw(size)
        self.raw(-(used + size) % 4)
        return value
