"""The part of the lite server protocol (TL) that the adapter speaks: queries as bytes, answers as values.

Source of the layout: `lite_api.tl` of the TON node; a constructor's id is the CRC-32 of its line there. Tests compare
every function with the schema that pytoniq-core ships and with a recorded session of a real node. Decoding is by hand
because answers are foreign: a length is checked before it is used, and any surprise is one error.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harvester_ton.errors import NodeRefused, NodeUnwell

ADNL_QUERY: Final = bytes.fromhex("7af98bb4")
ADNL_ANSWER: Final = bytes.fromhex("1684ac0f")
LITE_QUERY: Final = bytes.fromhex("df068c79")

GET_MASTERCHAIN_INFO: Final = bytes.fromhex("2ee6b589")
GET_ACCOUNT_STATE: Final = bytes.fromhex("250e896b")
GET_TRANSACTIONS: Final = bytes.fromhex("a1e7401c")
GET_BLOCK_PROOF: Final = bytes.fromhex("449cea8a")
GET_CONFIG_ALL: Final = bytes.fromhex("b7261b91")
GET_LIBRARIES: Final = bytes.fromhex("62b622d1")
RUN_SMC_METHOD: Final = bytes.fromhex("d25dc65c")
WAIT_MASTERCHAIN_SEQNO: Final = bytes.fromhex("92b8eaba")

ERROR: Final = bytes.fromhex("48e1a9bb")
MASTERCHAIN_INFO: Final = bytes.fromhex("81288385")
ACCOUNT_STATE: Final = bytes.fromhex("51c77970")
TRANSACTION_LIST: Final = bytes.fromhex("0bc6266f")
RUN_METHOD_RESULT: Final = bytes.fromhex("6b619aa3")

MASTERCHAIN: Final = -1
MAX_PAGE: Final = 16
"""A real node gives no more transactions than this in one answer."""
_WITH_RESULT: Final = 4
_WITH_TARGET: Final = 1
_BLOCK_ID: Final = struct.Struct("<iQI32s32s")


@dataclass(frozen=True, slots=True)
class BlockId:
    """Full name of a block (`tonNode.blockIdExt`)."""

    workchain: int
    shard: int
    """Shard prefix with its end bit, as an unsigned number of 64 bits."""
    seqno: int
    root_hash: bytes
    file_hash: bytes

    def to_bytes(self) -> bytes:
        """Return the TL form, 80 bytes."""
        return _BLOCK_ID.pack(self.workchain, self.shard, self.seqno, self.root_hash, self.file_hash)


@dataclass(frozen=True, slots=True)
class AccountAddress:
    """Address of an account as the protocol names it."""

    workchain: int
    hash_part: bytes
    """32 bytes."""

    @property
    def raw(self) -> str:
        """The address in raw form."""
        return f"{self.workchain}:{self.hash_part.hex()}"

    def to_bytes(self) -> bytes:
        """Return the TL form (`liteServer.accountId`), 36 bytes."""
        return struct.pack("<i32s", self.workchain, self.hash_part)


@dataclass(frozen=True, slots=True)
class AccountState:
    """Answer to `getAccountState`; the BoCs are unread."""

    block: BlockId
    shard_block: BlockId
    shard_proof: bytes
    proof: bytes
    state: bytes


@dataclass(frozen=True, slots=True)
class TransactionList:
    """Answer to `getTransactions`: newest first; the BoC has one root per block id."""

    blocks: tuple[BlockId, ...]
    boc: bytes


@dataclass(frozen=True, slots=True)
class MethodResult:
    """Answer to `runSmcMethod` in the mode that asks for the stack alone."""

    block: BlockId
    exit_code: int
    stack: bytes
    """BoC of the stack; empty if the contract left none."""


def get_masterchain_info() -> bytes:
    """Ask for the newest masterchain block."""
    return GET_MASTERCHAIN_INFO


def get_account_state(block: BlockId, account: AccountAddress) -> bytes:
    """Ask for the account as of masterchain block `block`."""
    return GET_ACCOUNT_STATE + block.to_bytes() + account.to_bytes()


def get_transactions(account: AccountAddress, lt: int, tx_hash: bytes, count: int = MAX_PAGE) -> bytes:
    """Ask for up to `count` transactions from (lt, hash) backwards, that one included."""
    return GET_TRANSACTIONS + struct.pack("<I", count) + account.to_bytes() + struct.pack("<Q", lt) + tx_hash


def get_block_proof(known: BlockId, target: BlockId) -> bytes:
    """Ask for a proof that leads from one masterchain block to another."""
    return GET_BLOCK_PROOF + struct.pack("<I", _WITH_TARGET) + known.to_bytes() + target.to_bytes()


def get_config_all(block: BlockId) -> bytes:
    """Ask for the whole config as of masterchain block `block`, with its proof."""
    return GET_CONFIG_ALL + struct.pack("<I", 0) + block.to_bytes()


def get_libraries(hashes: Sequence[bytes]) -> bytes:
    """Ask for library cells by their hashes, 32 bytes each."""
    return GET_LIBRARIES + struct.pack("<I", len(hashes)) + b"".join(hashes)


def run_method(block: BlockId, account: AccountAddress, method_id: int, stack: bytes) -> bytes:
    """Ask the node to run a get-method; `stack` is the BoC of its arguments."""
    call = struct.pack("<I", _WITH_RESULT) + block.to_bytes() + account.to_bytes() + struct.pack("<Q", method_id)
    return RUN_SMC_METHOD + call + encode_bytes(stack)


def waiting_for(seqno: int, timeout_ms: int, query: bytes) -> bytes:
    """Put off `query` until the node has masterchain block `seqno`; past `timeout_ms` it answers error 652."""
    return WAIT_MASTERCHAIN_SEQNO + struct.pack("<II", seqno, timeout_ms) + query


def read_masterchain_info(answer: bytes) -> BlockId:
    """Return the newest masterchain block of the answer to `getMasterchainInfo`."""
    reader = Reader(answer)
    reader.expect(MASTERCHAIN_INFO)
    block = reader.block_id()
    if block.workchain != MASTERCHAIN:
        raise NodeUnwell("named a block of another chain than the masterchain")
    return block


def read_account_state(answer: bytes) -> AccountState:
    """Read the answer to `getAccountState`."""
    reader = Reader(answer)
    reader.expect(ACCOUNT_STATE)
    return AccountState(
        reader.block_id(), reader.block_id(), reader.byte_string(), reader.byte_string(), reader.byte_string()
    )


def read_transactions(answer: bytes) -> TransactionList:
    """Read the answer to `getTransactions`; more than MAX_PAGE of them are an error."""
    reader = Reader(answer)
    reader.expect(TRANSACTION_LIST)
    count = reader.uint32()
    if count > MAX_PAGE:
        raise NodeUnwell(f"answered with {count} transactions where {MAX_PAGE} are the most")
    return TransactionList(tuple(reader.block_id() for _ in range(count)), reader.byte_string())


def read_method_result(answer: bytes) -> MethodResult:
    """Read the answer to `runSmcMethod`."""
    reader = Reader(answer)
    reader.expect(RUN_METHOD_RESULT)
    mode, block, _shard_block = reader.uint32(), reader.block_id(), reader.block_id()
    if mode & ~_WITH_RESULT:
        raise NodeUnwell(f"answered a get-method in mode {mode}, asked for mode {_WITH_RESULT}")
    return MethodResult(block, reader.int32(), reader.byte_string() if mode & _WITH_RESULT else b"")


def raise_refusal(answer: bytes) -> None:
    """Raise NodeRefused if the answer is `liteServer.error`."""
    if answer[:4] == ERROR:
        reader = Reader(answer)
        reader.expect(ERROR)
        raise NodeRefused(reader.int32(), reader.byte_string().decode(errors="replace"))


def encode_bytes(data: bytes) -> bytes:
    """Return the TL form of `bytes`: length, data, padding to four."""
    head = bytes([len(data)]) if len(data) < 254 else b"\xfe" + len(data).to_bytes(3, "little")
    return head + data + bytes(-(len(head) + len(data)) % 4)


class Reader:
    """Reads TL from front to back; raises NodeUnwell where the data ends too early or is not what it must be."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        end = self._at + count
        if end > len(self._data):
            raise NodeUnwell("answered with data that ends too early")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def expect(self, constructor: bytes) -> None:
        """Step over the constructor id, which must be `constructor`."""
        if (found := self.take(4)) != constructor:
            raise NodeUnwell(f"answered with type {found.hex()} where {constructor.hex()} was asked for")

    def int32(self) -> int:
        """Return a signed number of 32 bits."""
        return int.from_bytes(self.take(4), "little", signed=True)

    def uint32(self) -> int:
        """Return an unsigned number of 32 bits."""
        return int.from_bytes(self.take(4), "little")

    def byte_string(self) -> bytes:
        """Return a value of type `bytes` or `string`."""
        start = self._at
        size = self.take(1)[0]
        if size > 254:
            raise NodeUnwell("answered with a byte string of more than 16 MiB")
        if size == 254:
            size = int.from_bytes(self.take(3), "little")
        data = self.take(size)
        self.take(-(self._at - start) % 4)
        return data

    def block_id(self) -> BlockId:
        """Return a `tonNode.blockIdExt`."""
        return BlockId(*_BLOCK_ID.unpack(self.take(_BLOCK_ID.size)))
