"""The answers of a lite server that are verified, as values (tl/generate/scheme/lite_api.tl of the TON node).

Reading says nothing about truth: what comes out is still only what the server says.
"""

from dataclasses import dataclass
from typing import Final

from harvester_ton.tl import BlockId
from harvester_ton.verification.blocks import is_masterchain
from harvester_ton.verification.refusal import Reason, Refused
from harvester_ton.verification.tl_values import Values

MAX_STEPS: Final = 16
"""A node puts no more steps into one block proof (validator/impl/liteserver.cpp `construct_proof_chain`)."""
MAX_SIGNATURES: Final = 1000
MAX_TRANSACTIONS: Final = 16
MAX_LIBRARIES: Final = 8

_MASTERCHAIN_INFO: Final = bytes.fromhex("81288385")
_PARTIAL_BLOCK_PROOF: Final = bytes.fromhex("c1d2d08e")
_LINK_BACK: Final = bytes.fromhex("ef1b7eef")
_LINK_FORWARD: Final = bytes.fromhex("1cce0f52")
_ORDINARY: Final = bytes.fromhex("e6a644f6")
_SIMPLEX: Final = bytes.fromhex("009824ac")
_ACCOUNT_STATE: Final = bytes.fromhex("51c77970")
_TRANSACTION_LIST: Final = bytes.fromhex("0bc6266f")
_ALL_SHARDS_INFO: Final = bytes.fromhex("2de78f09")
_CONFIG_INFO: Final = bytes.fromhex("2f277bae")
_LIBRARY_RESULT: Final = bytes.fromhex("6bb97a11")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the short id of the node that is said to have made it."""

    node_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignatureSet:
    """Signatures of nodes up to 2025 (`liteServer.signatureSet`, also named `.ordinary`)."""

    validator_set_hash: int
    catchain_seqno: int
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class SimplexSignatureSet(SignatureSet):
    """Signatures of Simplex consensus (`liteServer.signatureSet.simplex`)."""

    session_id: bytes
    slot: bytes
    """4 bytes as they are signed."""
    candidate: bytes
    """Exactly as received: its hash is what is signed."""


@dataclass(frozen=True, slots=True)
class ForwardStep:
    """A step from a key block to a later block that its validators signed."""

    to_key_block: bool
    from_: BlockId
    to: BlockId
    dest_proof: bytes
    config_proof: bytes
    signatures: SignatureSet


@dataclass(frozen=True, slots=True)
class BlockProof:
    """Answer to `getBlockProof`."""

    complete: bool
    from_: BlockId
    to: BlockId
    steps: tuple[ForwardStep, ...]


@dataclass(frozen=True, slots=True)
class AccountAnswer:
    """Answer to `getAccountState`."""

    block: BlockId
    shard_block: BlockId
    shard_proof: bytes
    proof: bytes
    state: bytes


@dataclass(frozen=True, slots=True)
class ProofAndData:
    """Answer to `getAllShardsInfo`, or to a question about the config: a block and two bags of cells about it."""

    block: BlockId
    first: bytes
    second: bytes


def read_announcement(answer: bytes) -> BlockId:
    """Read `liteServer.masterchainInfo`: the newest block that the server knows, which must be a masterchain block."""
    values = Values(answer, "announcement")
    values.expect(_MASTERCHAIN_INFO)
    last = values.block_id()
    values.take(32 + 4 + 32 + 32)  # hash of the state, id of the zero state
    values.end()
    if not is_masterchain(last):
        raise Refused(Reason.OTHER_QUESTION, "announcement: of a block that is not the masterchain's")
    return last


def read_block_proof(answer: bytes) -> BlockProof:
    """Read `liteServer.partialBlockProof`; a link back is refused here, see `chain.py`."""
    values = Values(answer, "block proof")
    values.expect(_PARTIAL_BLOCK_PROOF)
    proof = BlockProof(values.flag(), values.block_id(), values.block_id(), values.vector(MAX_STEPS, _step))
    values.end()
    return proof


def _step(values: Values) -> ForwardStep:
    kind = values.take(4)
    if kind == _LINK_BACK:
        raise Refused(Reason.BACKWARD, "block proof: it goes back, and the target lies ahead")
    if kind != _LINK_FORWARD:
        raise values.malformed(f"an unknown kind of step, {kind.hex()}")
    return ForwardStep(
        values.flag(),
        values.block_id(),
        values.block_id(),
        values.byte_string(),
        values.byte_string(),
        _signature_set(values),
    )


def _signature_set(values: Values) -> SignatureSet:
    """Read one of the two known forms; they name the same two numbers in a different order."""
    kind, first, second = values.take(4), 0, 0
    if kind not in (_ORDINARY, _SIMPLEX):
        raise Refused(Reason.UNKNOWN_SIGNATURE_FORM, f"block proof: an unknown form of signatures, {kind.hex()}")
    first, second = values.uint32(), values.uint32()
    signatures = values.vector(MAX_SIGNATURES, _signature)
    if kind == _ORDINARY:
        return SignatureSet(first, second, signatures)
    return SimplexSignatureSet(second, first, signatures, values.int256(), values.take(4), values.byte_string())


def _signature(values: Values) -> Signature:
    return Signature(values.int256(), values.byte_string())


def read_account_answer(answer: bytes) -> AccountAnswer:
    """Read `liteServer.accountState`."""
    values = Values(answer, "account state")
    values.expect(_ACCOUNT_STATE)
    ids = values.block_id(), values.block_id()
    state = AccountAnswer(*ids, values.byte_string(), values.byte_string(), values.byte_string())
    values.end()
    return state


def read_transaction_list(answer: bytes) -> tuple[tuple[BlockId, ...], bytes]:
    """Read `liteServer.transactionList`: the block of each transaction, and the bag with one root for each."""
    values = Values(answer, "transactions")
    values.expect(_TRANSACTION_LIST)
    page = values.vector(MAX_TRANSACTIONS, Values.block_id), values.byte_string()
    values.end()
    return page


def read_all_shards(answer: bytes) -> ProofAndData:
    """Read `liteServer.allShardsInfo`."""
    values = Values(answer, "shards")
    values.expect(_ALL_SHARDS_INFO)
    shards = ProofAndData(values.block_id(), values.byte_string(), values.byte_string())
    values.end()
    return shards


def read_config_info(answer: bytes) -> ProofAndData:
    """Read `liteServer.configInfo`."""
    values = Values(answer, "config")
    values.expect(_CONFIG_INFO)
    values.take(4)  # the mode repeats the question
    config = ProofAndData(values.block_id(), values.byte_string(), values.byte_string())
    values.end()
    return config


def read_library_result(answer: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Read `liteServer.libraryResult`: pairs of hash and bag of cells."""
    values = Values(answer, "libraries")
    values.expect(_LIBRARY_RESULT)
    entries = values.vector(MAX_LIBRARIES, lambda entry: (entry.int256(), entry.byte_string()))
    values.end()
    return entries
