"""The state of an account, or its absence, as of a proven masterchain block."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harvester_ton.cells import Cell
from harvester_ton.slices import Slice
from harvester_ton.tl import AccountAddress, BlockId
from harvester_ton.verification.answers import read_account_answer
from harvester_ton.verification.limits import MAX_STATE_CELLS, read_root, refuse_hidden
from harvester_ton.verification.lookup import find
from harvester_ton.verification.masterchain_state import open_state
from harvester_ton.verification.refusal import Reason, Refused, reading
from harvester_ton.verification.shards import proven_state, verify_shard

_WHAT: Final = "account state"


class Status(StrEnum):
    """What an account is."""

    ABSENT = "absent"
    UNINITIALISED = "uninitialised"
    FROZEN = "frozen"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Content:
    """What an account holds."""

    status: Status
    balance_nano: int = 0
    code: Cell | None = None
    data: Cell | None = None
    library: Cell | None = None
    """Root of the contract's own libraries."""


_ABSENT: Final = Content(Status.ABSENT)


@dataclass(frozen=True, slots=True)
class AccountState:
    """A proven account. Code, data and libraries hide nothing: exotic cells in them are library cells only."""

    shard_block: BlockId
    """The block after which this is its state."""
    gen_utime: int
    """When that block was made, Unix seconds: no later transaction of the account is earlier."""
    last_trans_lt: int
    """Of its last transaction; 0 for an account that does not exist."""
    last_trans_hash: bytes
    """32 bytes, zeros with lt 0."""
    content: Content


def verify_account_state(masterchain_block: BlockId, account: AccountAddress, answer: bytes) -> AccountState:
    """Return what the answer to `getAccountState` as of a proven masterchain block proves about `account`.

    Rules: the shard block is the account's own, proven from the masterchain block; its state is proven, and in it the
    account's entry, or that there is none; the state sent along has the proven hash and hides nothing. Source:
    `AccountState::validate` in crypto/block/check-proof.cpp.
    """
    said = read_account_answer(answer)
    if said.block != masterchain_block:
        raise Refused(Reason.OTHER_QUESTION, f"{_WHAT}: as of another block than was asked for")
    shard_block = verify_shard(masterchain_block, said.shard_proof, account)
    if said.shard_block != shard_block:
        raise Refused(Reason.OTHER_QUESTION, f"{_WHAT}: from a block that is not the newest of the account's shard")
    state, gen_utime = proven_state(said.proof, shard_block, _WHAT)
    with reading(_WHAT):
        entry = _entry(state, account)
        if entry is None:
            if said.state:
                raise Refused(Reason.UNPROVEN, f"{_WHAT}: a state of an account that is proven absent")
            return AccountState(shard_block, gen_utime, 0, bytes(32), _ABSENT)
        state_hash, last_hash, last_lt = entry
        content = _read_account(_root(said.state, state_hash), account)
    return AccountState(shard_block, gen_utime, last_lt, last_hash, content)


def _entry(state: Cell, account: AccountAddress) -> tuple[bytes, bytes, int] | None:
    """Return hash of the state, last transaction's hash and lt from `ShardAccounts`; None if proven absent."""
    accounts, _extra = open_state(state)
    leaf = find(Slice(accounts).maybe_ref(), int.from_bytes(account.hash_part), 256)
    if leaf is None:
        return None
    leaf.uint(5)  # DepthBalanceInfo: split depth, currency collection
    leaf.coins()
    leaf.maybe_ref()
    return leaf.ref().hash_at(0), leaf.bytes_(32), leaf.uint(64)


def _root(data: bytes, state_hash: bytes) -> Cell:
    """Return the state as sent, which hides nothing and has the proven hash."""
    if not data:
        raise Refused(Reason.UNPROVEN, f"{_WHAT}: no state of an account that is proven to exist")
    root = read_root(data, _WHAT, MAX_STATE_CELLS)
    refuse_hidden(root, _WHAT)
    if root.hash != state_hash:
        raise Refused(Reason.UNPROVEN, f"{_WHAT}: not the one whose hash is proven")
    return root


def _read_account(root: Cell, account: AccountAddress) -> Content:
    """Read `account$1` of block.tlb; its address must be the account's, workchain included."""
    data = Slice(root)
    if not data.bit() or data.address() != f"{account.workchain}:{account.hash_part.hex()}":
        raise Refused(Reason.OTHER_QUESTION, f"{_WHAT}: that of another account")
    _skip_storage_info(data)
    data.uint(64)
    balance_nano = data.coins()
    extra_currencies = data.maybe_ref()
    if extra_currencies:
        refuse_hidden(extra_currencies, _WHAT, allowed=0)
    if not data.bit():
        return Content(Status.FROZEN if data.bit() else Status.UNINITIALISED, balance_nano)
    return Content(Status.ACTIVE, balance_nano, *_read_state_init(data))


def _skip_storage_info(data: Slice) -> None:
    """`StorageInfo`. Before 2025 it had three counts of cells; the third was 0, and its bits are those of no extra."""
    data.var_uint(3)
    data.var_uint(3)
    if data.uint(3) == 1:
        data.uint(256)
    data.uint(32)
    if data.bit():
        data.coins()


def _read_state_init(data: Slice) -> tuple[Cell | None, Cell | None, Cell | None]:
    """Read `StateInit`: code, data, library."""
    if data.bit():
        data.uint(5)
    if data.bit():
        data.uint(2)
    return data.maybe_ref(), data.maybe_ref(), data.maybe_ref()
