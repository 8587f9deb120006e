"""Where an account stands: read from the proof that comes with an account state (block.tlb `ShardStateUnsplit`).

The state itself names no last transaction; the proof does, with the generation time of the account's own shard block.
"""

from dataclasses import dataclass, field
from typing import Final

from harvester_ton import tl
from harvester_ton.boc import parse_boc, parse_boc_root
from harvester_ton.cells import Cell, CellError, CellKind
from harvester_ton.errors import NodeUnwell
from harvester_ton.slices import Slice

_SHARD_STATE_TAG: Final = 0x9023AFE2
_KEY_BITS: Final = 256


@dataclass(frozen=True, slots=True)
class AccountAt:
    """An account as of one masterchain block."""

    last_lt: int
    """Logical time of its last transaction; 0: the account does not exist."""
    last_hash: bytes
    """Hash of that transaction; zeros with `last_lt` 0."""
    active: bool
    """A contract is deployed there."""
    shard_time: int
    """Generation time of the account's shard block, Unix seconds: no later block has an earlier one."""
    proof: str | None = field(default=None, compare=False)
    """What this was proven from, as `Batch.proof` has it; None: it was believed."""


def read_account_at(answer: tl.AccountState, block: tl.BlockId, account: tl.AccountAddress) -> AccountAt:
    """Return where `account` stands in the answer to `getAccountState` at `block`.

    Raises:
        NodeUnwell: the answer is for something else, or contradicts itself.
        CellError: it cannot be read.
    """
    if answer.block != block or not _covers(answer.shard_block, account):
        raise NodeUnwell("answered with the state of another block or shard")
    state = _proven_state(answer.proof)
    shard_time, accounts = _read_shard_state(state)
    entry = _find(accounts, int.from_bytes(account.hash_part))
    if (entry is None) != (not answer.state):
        raise NodeUnwell("answered with an account state that contradicts its proof")
    if entry is None:
        return AccountAt(0, bytes(32), active=False, shard_time=shard_time)
    state_hash, last_hash, last_lt = entry
    root = parse_boc_root(answer.state)
    if root.hash != state_hash:
        raise NodeUnwell("answered with an account state that is not the one of its proof")
    return AccountAt(last_lt, last_hash, _is_active(root), shard_time)


def _covers(block: tl.BlockId, account: tl.AccountAddress) -> bool:
    """Whether the block's shard is the account's: the prefix is what stands above the lowest set bit."""
    end_bit = block.shard & -block.shard
    difference = int.from_bytes(account.hash_part[:8]) ^ block.shard
    return block.workchain == account.workchain and end_bit > 0 and difference & -(end_bit << 1) & ((1 << 64) - 1) == 0


def _proven_state(proof: bytes) -> Cell:
    roots = parse_boc(proof)
    if len(roots) != 2 or roots[1].kind is not CellKind.MERKLE_PROOF:
        raise CellError("an account proof must be two Merkle proofs")
    return roots[1].refs[0]


def _read_shard_state(root: Cell) -> tuple[int, Cell | None]:
    """Generation time, and the root of the accounts' dictionary."""
    data = Slice(root)
    if data.uint(32) != _SHARD_STATE_TAG:
        raise CellError("not a shard state: another tag")
    data.uint(32 + 104 + 32 + 32)  # global id, shard, seqno, vertical seqno
    shard_time = data.uint(32)
    data.ref()
    return shard_time, Slice(data.ref()).maybe_ref()


def _find(root: Cell | None, key: int) -> tuple[bytes, bytes, int] | None:
    """Look `key` up in `HashmapAug 256 ShardAccount DepthBalanceInfo`: account hash, last transaction's hash and lt."""
    missing = _KEY_BITS
    while root is not None:
        edge = Slice(root)
        label, size = _read_label(edge, missing)
        missing -= size
        if missing < 0:
            raise CellError("a dictionary with a key that is too long")
        if key >> missing & ((1 << size) - 1) != label:
            return None
        if not missing:
            return _read_leaf(edge)
        left, right = edge.ref(), edge.ref()
        missing -= 1
        root = right if key >> missing & 1 else left
    return None


def _read_label(edge: Slice, room: int) -> tuple[int, int]:
    """HmLabel: the bits that all keys below share, and how many they are."""
    if not edge.bit():
        size = 0
        while edge.bit():
            size += 1
        return edge.uint(size), size
    if not edge.bit():
        size = edge.uint(room.bit_length())
        return edge.uint(size), size
    ones = edge.bit()
    size = edge.uint(room.bit_length())
    return ((1 << size) - 1) * ones, size


def _read_leaf(leaf: Slice) -> tuple[bytes, bytes, int]:
    leaf.uint(5)  # DepthBalanceInfo: split depth, coins, extra currencies
    leaf.coins()
    leaf.maybe_ref()
    return leaf.ref().hash_at(0), leaf.bytes_(32), leaf.uint(64)


def _is_active(account: Cell) -> bool:
    """Read `Account` as far as its state: address, storage info, last lt, balance, then the state's own bits."""
    data = Slice(account)
    if not data.bit() or data.address() is None:
        raise CellError("an account state without an address")
    for _ in range(2):
        data.var_uint(3)
    if data.uint(3) == 1:  # StorageExtraInfo; before 2025 an empty number of cells stood here, the same bits
        data.uint(256)
    data.uint(32)
    if data.bit():
        data.coins()
    data.uint(64)
    data.coins()
    data.maybe_ref()
    return data.bit()
