"""From a proven masterchain block to the shard block that holds an account."""

from dataclasses import dataclass
from typing import Final

from harvester_ton.cells import Cell
from harvester_ton.dictionaries import read_dictionary
from harvester_ton.slices import Slice
from harvester_ton.tl import AccountAddress, BlockId
from harvester_ton.verification.answers import read_all_shards
from harvester_ton.verification.blocks import MASTERCHAIN, WHOLE, read_header, read_parts, shown_tree, state_hash
from harvester_ton.verification.limits import read_bag, read_root
from harvester_ton.verification.lookup import find
from harvester_ton.verification.masterchain_state import extra_of_block, shard_hashes
from harvester_ton.verification.refusal import Reason, Refused, reading

_MAX_SPLITS: Final = 60
_DESCRIPTION_TAGS: Final = (0xA, 0xB)


def proven_state(data: bytes, block: BlockId, what: str) -> tuple[Cell, int]:
    """Return the state after `block` as a proof shows it, and the block's generation time in Unix seconds.

    Rule: two Merkle proofs, of the block and of the state whose hash the block's header states. Source:
    `check_account_proof` and `check_shard_proof` in crypto/block/check-proof.cpp.
    """
    roots = read_bag(data, what)
    if len(roots) != 2:
        raise Refused(Reason.MALFORMED, f"{what}: {len(roots)} roots where a block and its state are needed")
    header = read_header(roots[0], block, what)
    state = shown_tree(roots[1], what)
    if state.hash_at(0) != state_hash(header, what):
        raise Refused(Reason.UNPROVEN, f"{what}: a state that is not the one after block {block.seqno}")
    return state, header.gen_utime


def verify_shard(masterchain_block: BlockId, proof: bytes, account: AccountAddress) -> BlockId:
    """Return the newest block of the shard that holds `account`, as of a proven masterchain block.

    Rule: the block is read from the shard hashes of the proven masterchain state, under the account's own workchain
    and prefix; the masterchain is its own shard. Source: `check_shard_proof`.
    """
    if account.workchain == MASTERCHAIN:
        return masterchain_block
    what = "shard proof"
    state, _ = proven_state(proof, masterchain_block, what)
    with reading(what):
        return shard_of(shard_hashes(state), account.workchain, int.from_bytes(account.hash_part[:8]))


def shard_of(hashes: Cell | None, workchain: int, prefix: int) -> BlockId:
    """Return the newest block of the shard that holds `prefix`, 64 bits: walk down `BinTree ShardDescr` along them."""
    leaf = find(hashes, workchain & 0xFFFFFFFF, 32)
    if leaf is None:
        raise Refused(Reason.OTHER_QUESTION, f"shard proof: there is no workchain {workchain}")
    tree = leaf.ref()
    for depth in range(_MAX_SPLITS + 1):
        data = Slice(tree)
        if not data.bit():
            end_bit = WHOLE >> depth
            return _described(data, workchain, prefix & -2 * end_bit & (2 * WHOLE - 1) | end_bit)
        left, right = data.ref(), data.ref()
        tree = right if prefix >> (63 - depth) & 1 else left
    raise Refused(Reason.MALFORMED, "shard proof: a shard that is split too often")


def _described(data: Slice, workchain: int, shard: int) -> BlockId:
    """Read `shard_descr#b` or `shard_descr_new#a` as far as the block's id goes."""
    if data.uint(4) not in _DESCRIPTION_TAGS:
        raise Refused(Reason.MALFORMED, "shard proof: not the description of a shard")
    seqno = data.uint(32)
    data.uint(32 + 64 + 64)
    return BlockId(workchain, shard, seqno, data.bytes_(32), data.bytes_(32))


@dataclass(frozen=True, slots=True)
class _Branch:
    tree: Cell
    workchain: int
    shard: int
    end_bit: int


def verify_all_shards(masterchain_block: BlockId, answer: bytes, max_shards: int = 1024) -> tuple[BlockId, ...]:
    """Return the newest block of every shard as of a proven masterchain block, from `getAllShardsInfo`.

    Rule: the data is the very dictionary whose hash stands in the masterchain block, or, as older nodes prove it, in
    the state after it. Source: `perform_getAllShardsInfo` in validator/impl/liteserver.cpp.
    """
    what = "shards"
    shards = read_all_shards(answer)
    if shards.block != masterchain_block:
        raise Refused(Reason.OTHER_QUESTION, f"{what}: as of another block than was asked for")
    root = read_root(shards.second, what)
    with reading(what):
        proven, said = _proven_hashes(shards.first, masterchain_block, what), Slice(root).maybe_ref()
        if proven is None or said is None or said.level_mask or said.hash != proven.hash_at(0):
            raise Refused(Reason.UNPROVEN, f"{what}: not those of block {masterchain_block.seqno}")
        return tuple(_all_shards(said, max_shards))


def _proven_hashes(proof: bytes, block: BlockId, what: str) -> Cell | None:
    roots = read_bag(proof, what)
    if len(roots) != 1:
        return shard_hashes(proven_state(proof, block, what)[0])
    return hashes_of_block(roots[0], block, what)


def hashes_of_block(proof: Cell, block: BlockId, what: str) -> Cell | None:
    """Return the root of the shard blocks that a Merkle proof of a masterchain block shows in its extra."""
    extra = extra_of_block(read_parts(proof, block, what), what)
    extra.bit()
    return extra.maybe_ref()


def _all_shards(root: Cell, max_shards: int) -> list[BlockId]:
    found: list[BlockId] = []
    todo = [
        _Branch(value.ref(), key - (key >> 31 << 32), WHOLE, WHOLE)
        for key, value in read_dictionary(root, 32, max_shards)
    ]
    while todo:
        branch = todo.pop()
        data = Slice(branch.tree)
        if not data.bit():
            found.append(_described(data, branch.workchain, branch.shard))
            continue
        half = branch.end_bit >> 1
        if not half >> (63 - _MAX_SPLITS) or len(todo) + len(found) >= max_shards:
            raise Refused(Reason.TOO_LARGE, "shards: more than are read")
        left, right = data.ref(), data.ref()
        todo.append(_Branch(right, branch.workchain, branch.shard + half, half))
        todo.append(_Branch(left, branch.workchain, branch.shard - half, half))
    return found
