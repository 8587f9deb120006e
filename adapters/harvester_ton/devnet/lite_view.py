"""What a lite server knows at the moment of a query, and the errors it answers with."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from harvester_ton.devnet.blocks import MASTERCHAIN, Block
from harvester_ton.devnet.chain import Chain
from harvester_ton.devnet.heights import Height
from harvester_ton.devnet.tl import TlReader, constructor

ID: Final = "tonNode.blockIdExt"
NOT_APPLIED, TIMEOUT, BAD_REQUEST, NOT_FOUND = 651, 652, -400, -404


class LiteError(Exception):
    """An answer of the kind `liteServer.error`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class LiteView:
    """A chain as a node sees it that knows nothing newer than masterchain block `head`."""

    chain: Chain
    head: int

    @property
    def last(self) -> Height:
        return self.chain.heights[self.head]

    def named(self, query: TlReader) -> tuple[Height, Block]:
        """The height and the block that the next 80 bytes of a query name. Raises `LiteError`."""
        wanted = query.raw(80)
        workchain, _, seqno = struct.unpack_from("<iqI", wanted)
        if seqno > self.head:
            raise LiteError(NOT_APPLIED, "block is not applied")
        height = self.chain.heights[seqno]
        block = height.master if workchain == MASTERCHAIN else height.shard
        if block.id.tl() != wanted:
            raise LiteError(NOT_APPLIED, "block is unknown")
        return height, block


Handler = Callable[[LiteView, TlReader], bytes]


def tag(line: str) -> bytes:
    """The constructor of an answer: `line` without the leading `liteServer.` on both sides."""
    name, _, result = line.rpartition(" = ")
    return constructor(f"liteServer.{name} = liteServer.{result}")
