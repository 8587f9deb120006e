"""Signature sets over masterchain blocks, in the two forms full nodes send.

`ordinary` (releases up to 2025) signs the block's hashes. `simplex` (2026) signs a vote to finalize a candidate, and
the candidate's bytes, which name the block, come along. Checked against signatures recorded from real nodes.
"""

from __future__ import annotations

import hashlib
import struct
from enum import StrEnum
from typing import Final

from nacl.signing import SigningKey

from harvester_ton.devnet.blocks import BlockId
from harvester_ton.devnet.tl import constructor, pack_bytes
from harvester_ton.devnet.validators import ValidatorSet, node_id_short

_ORDINARY: Final = 0xF644A6E6.to_bytes(4, "little")  # stated in the schema, not computed
_BLOCK_TAG: Final = bytes.fromhex("706e0bc5")
_CANDIDATE_ID: Final = constructor("consensus.candidateId slot:int hash:int256 = consensus.CandidateId")
_ID: Final = "tonNode.blockIdExt"


class SignatureForm(StrEnum):
    """How validators sign."""

    ORDINARY = "ordinary"
    SIMPLEX = "simplex"


def signature_set(form: SignatureForm, validators: ValidatorSet, block: BlockId) -> bytes:
    """`liteServer.SignatureSet` of all validators over `block`."""
    return _simplex(validators, block) if form is SignatureForm.SIMPLEX else _ordinary(validators, block)


def ordinary_message(block: BlockId) -> bytes:
    """What an ordinary signature signs."""
    return _BLOCK_TAG + block.root_hash + block.file_hash


def simplex_message(session_id: bytes, slot: int, candidate: bytes) -> bytes:
    """What a simplex signature signs: the vote to finalize the candidate with these bytes, in its session."""
    vote = constructor("consensus.simplex.finalizeVote id:consensus.CandidateId = consensus.simplex.UnsignedVote")
    vote += _CANDIDATE_ID + struct.pack("<i", slot) + hashlib.sha256(candidate).digest()
    tag = constructor("consensus.dataToSign session_id:int256 data:bytes = consensus.DataToSign")
    return tag + session_id + pack_bytes(vote)


def _signed(keys: tuple[SigningKey, ...], message: bytes) -> bytes:
    parts = [node_id_short(bytes(key.verify_key)) + pack_bytes(key.sign(message).signature) for key in keys]
    return struct.pack("<I", len(parts)) + b"".join(parts)


def _ordinary(validators: ValidatorSet, block: BlockId) -> bytes:
    head = struct.pack("<Ii", validators.list_hash_short, validators.catchain_seqno)
    return _ORDINARY + head + _signed(validators.keys, ordinary_message(block))


def _simplex(validators: ValidatorSet, block: BlockId) -> bytes:
    session_id = hashlib.sha256(b"session" + struct.pack("<i", validators.catchain_seqno)).digest()
    candidate, slot = _candidate(block), block.seqno
    tag = constructor(
        "liteServer.signatureSet.simplex cc_seqno:int validator_set_hash:int signatures:vector liteServer.signature "
        "session_id:int256 slot:int candidate:bytes = liteServer.SignatureSet"
    )
    head = struct.pack("<iI", validators.catchain_seqno, validators.list_hash_short)
    signed = _signed(validators.keys, simplex_message(session_id, slot, candidate))
    return tag + head + signed + session_id + struct.pack("<i", slot) + pack_bytes(candidate)


def _candidate(block: BlockId) -> bytes:
    """`consensus.candidateHashDataOrdinary`; the parent is made up, which nobody outside the session can tell."""
    tag = constructor(
        f"consensus.candidateHashDataOrdinary block:{_ID} collated_file_hash:int256 parent:consensus.CandidateParent"
        " = consensus.CandidateHashData"
    )
    parent = constructor("consensus.candidateParent id:consensus.CandidateId = consensus.CandidateParent")
    parent += _CANDIDATE_ID + struct.pack("<i", block.seqno - 1) + hashlib.sha256(block.root_hash).digest()
    return tag + block.tl() + hashlib.sha256(b"").digest() + parent
