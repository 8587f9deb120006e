"""The unmodified client library, given answers instead of a connection: what it believes, and what not."""

import base64
from collections.abc import Iterable
from typing import Any

from nacl.signing import SigningKey
from pytoniq import LiteClient
from pytoniq_core import BlockIdExt

from harvester_ton.tl import BlockId


def their_id(block: BlockId) -> BlockIdExt:
    """A block id as the library has it."""
    shard = block.shard - (block.shard >> 63 << 64)
    return BlockIdExt(block.workchain, shard, block.seqno, block.root_hash, block.file_hash)


class Bare(LiteClient):  # type: ignore[misc] # the library is untyped
    """pytoniq's client at a trust level (0: all it can prove), whose questions are answered from a list."""

    def __init__(self, trust_level: int, block: BlockId, answers: Iterable[bytes]) -> None:
        key = base64.b64encode(bytes(SigningKey.generate().verify_key)).decode()
        super().__init__("127.0.0.1", 1, key, trust_level=trust_level, init_key_block=their_id(block))
        self.last_mc_block = their_id(block)
        self._answers = iter(answers)

    async def liteserver_request(self, tl_schema_name: str, data: dict[str, Any]) -> dict[str, Any]:
        """Give the next answer."""
        del tl_schema_name, data
        answer: dict[str, Any] = self.schemas.deserialize(next(self._answers), boxed=True)[0]
        return answer

    async def believes_block(self, start: BlockId, target: BlockId) -> bool:
        """Whether the library takes the target as proven from the start."""
        _, last, _, _ = await self.raw_get_mc_block_proof(their_id(start), their_id(target))
        return bool(last == their_id(target))
