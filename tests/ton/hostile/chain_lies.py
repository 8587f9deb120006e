"""Lies about which masterchain blocks there are."""

import struct
from abc import abstractmethod
from collections.abc import Sequence

from harvester_ton.devnet import proofs
from harvester_ton.devnet.boc import write_boc
from harvester_ton.devnet.heights import Height
from harvester_ton.devnet.local import LocalTon
from harvester_ton.devnet.merkle import merkle_proof, tree_hashes
from harvester_ton.devnet.signatures import SignatureForm, ordinary_message, signature_set
from harvester_ton.devnet.validators import ValidatorSet, node_id_short
from harvester_ton.tl import GET_MASTERCHAIN_INFO, BlockId, encode_bytes
from harvester_ton.verification.answers import read_block_proof
from tests.ton.hostile.lies import (
    BLOCK_BYTES,
    GET_ALL_SHARDS,
    GET_BLOCK_PROOF,
    AnotherChain,
    Lie,
    block_proof_question,
    honest_answer,
    id_of,
)
from tests.ton.verification.forged_answers import FALSE, TRUE, ordinary

_STEPS_AT = 4 + 4 + 2 * BLOCK_BYTES + 4
"""Where the steps of a block proof start: constructor, flag, two ids, and their number."""


class AnotherNetwork(AnotherChain):
    """Another network that proves its blocks from its own beginning, whatever it was asked to start from."""

    def block_proof(self, known: bytes, target: bytes) -> bytes:
        """See `AnotherChain`."""
        del known
        return super().block_proof(id_of(self.other, 1).to_bytes(), target)


class ChainOfItsOwn(AnotherNetwork):
    """Hole 1: the thief's own chain, tied to the trusted block by a proof that names the trusted block as its start and
    shows the config of the thief's."""

    def block_proof(self, known: bytes, target: bytes) -> bytes:
        """See `AnotherChain`."""
        return super().block_proof(known, target).replace(id_of(self.other, 1).to_bytes(), known)


class StrangersUnderTheRealConfig(ChainOfItsOwn):
    """The thief's own chain again, beside the real config of the trusted block."""

    def __init__(self, other: LocalTon, honest: LocalTon) -> None:
        super().__init__(other)
        self._honest = honest

    def block_proof(self, known: bytes, target: bytes) -> bytes:
        """See `AnotherChain`."""
        newest = id_of(self._honest, self._honest.seqno).to_bytes()
        real = honest_answer(self._honest, block_proof_question(known, newest))
        told = super().block_proof(known, target)
        return told.replace(_config_proof(told), _config_proof(real))


def _config_proof(block_proof: bytes) -> bytes:
    """The config proof of the first step, as it stands in the answer."""
    return encode_bytes(read_block_proof(block_proof).steps[0].config_proof)


class Resigned(AnotherChain):
    """A fork, shown with other signatures under its blocks than those of all validators."""

    def block_proof(self, known: bytes, target: bytes) -> bytes:
        """See `AnotherChain`."""
        answer = super().block_proof(known, target)
        for step in read_block_proof(answer).steps:
            height = self.other.chain.heights[step.to.seqno]
            real = signature_set(SignatureForm.ORDINARY, height.validators, height.master.id)
            answer = answer.replace(real, self.signatures(height))
        return answer

    @abstractmethod
    def signatures(self, height: Height) -> bytes:
        """The signature set that is shown."""


class OneSignerCountedOften(Resigned):
    """Hole 2: one of the validators, as often as there are validators."""

    def signatures(self, height: Height) -> bytes:
        """See `Resigned`."""
        return signed_by(height, height.validators, [0] * len(height.validators.keys))


class TwoThirds(Resigned):
    """Exactly two thirds of the weight, which is not enough; the chain must have a multiple of three validators."""

    def signatures(self, height: Height) -> bytes:
        """See `Resigned`."""
        return signed_by(height, height.validators, range(len(height.validators.keys) * 2 // 3))


class WrongSigners(Resigned):
    """A fork that the right validators are said to have signed; strangers did."""

    def signatures(self, height: Height) -> bytes:
        """See `Resigned`."""
        strangers = ValidatorSet.derive(b"strangers", len(height.validators.keys))
        return signed_by(height, strangers, range(len(strangers.keys)), named=height.validators)


def signed_by(height: Height, signers: ValidatorSet, which: Sequence[int], named: ValidatorSet | None = None) -> bytes:
    """An ordinary signature set over a block by some of these validators, that names this or another set."""
    message = ordinary_message(height.master.id)
    keys = [signers.keys[index] for index in which]
    signed = [(node_id_short(bytes(key.verify_key)), key.sign(message).signature) for key in keys]
    named = named or signers
    return ordinary(signed, named.list_hash_short, named.catchain_seqno)


class OldSignersByTheBackDoor(AnotherChain):
    """Hole 13: from the trusted key block honestly back to the one before, and forward to a fork that the validators
    signed that were in force then."""

    def __init__(self, other: LocalTon, honest: LocalTon) -> None:
        super().__init__(other)
        self._honest = honest

    def block_proof(self, known: bytes, target: bytes) -> bytes:
        """See `AnotherChain`."""
        common = id_of(self.other, 1).to_bytes()
        forward = super().block_proof(common, target)
        if known == common:
            return forward
        back = honest_answer(self._honest, block_proof_question(known, common))
        links = back[_STEPS_AT:] + forward[_STEPS_AT:]
        return back[:4] + TRUE + known + target + struct.pack("<I", 2) + links


class NoSteps(Lie):
    """Hole 11: block proofs without any steps, for ever."""

    def tell(self, question: bytes, honest: bytes) -> bytes:
        """See `Lie`."""
        if question[:4] != GET_BLOCK_PROOF:
            return honest
        return honest[:4] + FALSE + question[8:] + struct.pack("<I", 0)


class OldBlockRenumbered(Lie):
    """Hole 14: an old block under a number that is yet to come, so that time stands still from then on."""

    def __init__(self, ton: LocalTon, ahead: int = 50) -> None:
        super().__init__()
        self._ton, self._old = ton, id_of(ton, ton.seqno)
        old = self._old
        self.new = BlockId(old.workchain, old.shard, old.seqno + ahead, old.root_hash, old.file_hash)

    def tell(self, question: bytes, honest: bytes) -> bytes:
        """See `Lie`."""
        old, new = self._old.to_bytes(), self.new.to_bytes()
        if question[:4] == GET_MASTERCHAIN_INFO:
            return honest[:4] + new + honest[4 + BLOCK_BYTES :]
        if new not in question:
            return honest
        answer = honest_answer(self._ton, question.replace(new, old))
        return (self._shards(answer) if question[:4] == GET_ALL_SHARDS else answer).replace(old, new)

    def _shards(self, answer: bytes) -> bytes:
        """The same shards in the older form of the proof, in which the library looks at no number."""
        height = self._ton.chain.heights[self._old.seqno]
        root = height.master.root
        proof = write_boc(merkle_proof(root, tree_hashes(root)))
        return answer[: 4 + BLOCK_BYTES] + encode_bytes(proof) + encode_bytes(proofs.all_shards(height))


class JumpsBack(Lie):
    """A lag that jumps: the newest block is one of some blocks ago, then the honest one, in turn."""

    def __init__(self, ton: LocalTon, blocks: int = 3) -> None:
        super().__init__()
        self._ton, self._blocks, self._back = ton, blocks, False

    def tell(self, question: bytes, honest: bytes) -> bytes:
        """See `Lie`."""
        if question[:4] != GET_MASTERCHAIN_INFO:
            return honest
        self._back = not self._back
        older = id_of(self._ton, self._ton.seqno - self._blocks).to_bytes()
        return honest[:4] + older + honest[4 + BLOCK_BYTES :] if self._back else honest
