"""Whether enough validators signed a block. Both forms of signature set of 2026 are known: ordinary and simplex."""

from hashlib import sha256
from typing import Final

from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

from harvester_ton.tl import BlockId, encode_bytes
from harvester_ton.verification.answers import Signature, SignatureSet, SimplexSignatureSet
from harvester_ton.verification.refusal import Reason, Refused
from harvester_ton.verification.validators import Validator

_BLOCK_ID: Final = bytes.fromhex("706e0bc5")
_DATA_TO_SIGN: Final = bytes.fromhex("f83de3a8")
_CANDIDATE_ID: Final = bytes.fromhex("3fcd91b6")
_FINALIZE_VOTE: Final = bytes.fromhex("05e1a740")
_CANDIDATES: Final = (bytes.fromhex("dcbcf9e8"), bytes.fromhex("33d9b472"))


def check_signatures(signed: SignatureSet, block: BlockId, members: tuple[Validator, ...]) -> None:
    """Refuse `block` unless distinct members with more than two thirds of the weight signed it, and nobody else did.

    Source: `BlockSignatureSetBase::check_signatures_impl` in crypto/block/signature-set.cpp.
    """
    message = _message(signed, block)
    open_members = {member.node_id: member for member in members}
    weight = 0
    for signature in signed.signatures:
        signer = open_members.pop(signature.node_id, None)
        if signer is None:
            raise Refused(Reason.SIGNATURES, f"block {block.seqno}: signed twice by one, or by a stranger")
        _check_one(signature, signer, message, block)
        weight += signer.weight
    total = sum(member.weight for member in members)
    if weight * 3 <= total * 2:
        raise Refused(
            Reason.SIGNATURES, f"block {block.seqno}: signed by {weight} of {total}, not more than two thirds"
        )


def _check_one(signature: Signature, signer: Validator, message: bytes, block: BlockId) -> None:
    try:
        VerifyKey(signer.public_key).verify(message, signature.signature)
    except CryptoError:
        raise Refused(Reason.SIGNATURES, f"block {block.seqno}: a false signature") from None


def _message(signed: SignatureSet, block: BlockId) -> bytes:
    """Return what the validators signed.

    Ordinary: `ton.blockId` of both hashes. Simplex: `consensus.dataToSign` of the vote that makes final the candidate
    whose hash is SHA-256 of its bytes as received; the block named in it must be this one.
    """
    if not isinstance(signed, SimplexSignatureSet):
        return _BLOCK_ID + block.root_hash + block.file_hash
    candidate = signed.candidate
    if candidate[:4] not in _CANDIDATES:
        raise Refused(Reason.UNKNOWN_SIGNATURE_FORM, f"block {block.seqno}: an unknown kind of candidate is signed")
    if candidate[4:84] != block.to_bytes():
        raise Refused(Reason.SIGNATURES, f"block {block.seqno}: the signatures are for another block")
    vote = _FINALIZE_VOTE + _CANDIDATE_ID + signed.slot + sha256(candidate).digest()
    return _DATA_TO_SIGN + signed.session_id + encode_bytes(vote)
