"""The hostile lite server: a server of the local chain that tells a `Lie`, to everybody who asks it.

`server.faults.tamper = lie` makes a server hostile. A lie sees each question with the honest answer, as bytes, and says
what is sent instead. Lies are grouped as the threat model is: `chain_lies`, `account_lies`, `history_lies`,
`other_lies`. Where a lie needs blocks that the chain never had, they come from another chain (`worlds.py`): one of the
thief's own, or a fork that shares the beginning, and so the validators, of the honest one.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Final

from harvester_ton.devnet.lite_view import ID, tag
from harvester_ton.devnet.local import LocalTon
from harvester_ton.devnet.queries import LiteQueries
from harvester_ton.tl import ERROR, WAIT_MASTERCHAIN_SEQNO, BlockId

GET_BLOCK_PROOF: Final = tag(f"getBlockProof mode:# known_block:{ID} target_block:mode.0?{ID} = PartialBlockProof")
GET_CONFIG_PARAMS: Final = tag(f"getConfigParams mode:# id:{ID} param_list:vector int = ConfigInfo")
GET_CONFIG_ALL: Final = tag(f"getConfigAll mode:# id:{ID} = ConfigInfo")
GET_ALL_SHARDS: Final = tag(f"getAllShardsInfo id:{ID} = AllShardsInfo")
GET_SHARD: Final = tag(f"getShardInfo id:{ID} workchain:int shard:long exact:Bool = ShardInfo")

BLOCK_BYTES: Final = 80


class Lie(ABC):
    """A way to lie. `asked` counts the questions by kind, `told` the answers that were not honest."""

    def __init__(self) -> None:
        self.told = 0
        self.asked: Counter[bytes] = Counter()

    def __call__(self, question: bytes, honest: bytes) -> bytes:
        """Give the answer that is sent."""
        kind = question[:4]
        self.asked[kind] += 1
        told = honest if kind == WAIT_MASTERCHAIN_SEQNO else self.tell(question, honest)
        self.told += told != honest
        return told

    @abstractmethod
    def tell(self, question: bytes, honest: bytes) -> bytes:
        """Lie, or not."""


class Tampering(Lie):
    """Changes every answer to one kind of question that is no error."""

    def __init__(self, kind: bytes, change: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._kind, self._change = kind, change

    def tell(self, question: bytes, honest: bytes) -> bytes:
        """See `Lie`."""
        return self._change(honest) if question[:4] == self._kind and honest[:4] != ERROR else honest


class AnotherChain(Lie):
    """Answers everything from another chain, as its own servers would."""

    def __init__(self, other: LocalTon) -> None:
        super().__init__()
        self.other = other
        self._queries = LiteQueries(other.chain)

    def tell(self, question: bytes, honest: bytes) -> bytes:
        """See `Lie`."""
        del honest
        if question[:4] != GET_BLOCK_PROOF:
            return self.there(question)
        known, target = (question[at : at + BLOCK_BYTES] for at in (8, 8 + BLOCK_BYTES))
        return self.block_proof(known, target)

    def block_proof(self, known: bytes, target: bytes) -> bytes:
        """The answer to `getBlockProof` from one block id to another."""
        return self.there(block_proof_question(known, target))

    def there(self, question: bytes) -> bytes:
        """What an honest server of the other chain answers."""
        return self._queries.answer(question, self.other.seqno)


def block_proof_question(known: bytes, target: bytes) -> bytes:
    """`getBlockProof` with a target, both given by their ids."""
    return GET_BLOCK_PROOF + (1).to_bytes(4, "little") + known + target


def honest_answer(ton: LocalTon, question: bytes) -> bytes:
    """What an honest server of a chain answers."""
    return LiteQueries(ton.chain).answer(question, ton.seqno)


def id_of(ton: LocalTon, seqno: int) -> BlockId:
    """The id of a masterchain block."""
    found = ton.chain.heights[seqno].master.id
    return BlockId(found.workchain, found.shard & (1 << 64) - 1, found.seqno, found.root_hash, found.file_hash)
