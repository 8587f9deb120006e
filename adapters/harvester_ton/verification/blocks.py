"""Blocks seen through Merkle proofs: what a proof says is bound to the hash of the block it is a proof of.

A Merkle proof shows a tree at level 0: its ordinary cells are those of the tree, their hash at level 0 is the hash of
the tree, and a pruned branch stands for what is left out (TVM paper 3.1.7, crypto/vm/cells/MerkleProof.cpp).
"""

from dataclasses import dataclass
from typing import Final

from harvester_ton.cells import Cell, CellKind
from harvester_ton.slices import Slice
from harvester_ton.tl import BlockId
from harvester_ton.verification.refusal import Reason, Refused, reading

MASTERCHAIN: Final = -1
WHOLE: Final = 1 << 63
"""The shard that is all of its workchain."""

_BLOCK_TAG: Final = 0x11EF55AA
_INFO_TAG: Final = 0x9BC7A987


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a block; a proof may leave any of them out."""

    info: Cell
    state_update: Cell
    extra: Cell


@dataclass(frozen=True, slots=True)
class Previous:
    """A block before another, as the other's header names it (`ExtBlkRef`)."""

    seqno: int
    root_hash: bytes
    file_hash: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What the proven header of a block says of itself."""

    key_block: bool
    gen_utime: int
    """When it was made, Unix seconds."""
    validator_list_hash: int
    catchain_seqno: int
    prev_key_block_seqno: int
    previous: tuple[Previous, ...]
    """The block before it, or two after a merge; none where the proof leaves them out."""
    parts: Parts

    @property
    def prev_seqno(self) -> int | None:
        """Greatest seqno of the blocks before it; None where the proof leaves them out."""
        return max((block.seqno for block in self.previous), default=None)


def shown_tree(proof: Cell, what: str) -> Cell:
    """Return the root of the tree that a Merkle proof shows; `hash_at(0)` is its hash.

    Rule: the root is a Merkle proof of level 0, whose stated hash and depth are those of its child (checked when the
    cell was made). Source: `MerkleProof::virtualize`.
    """
    if proof.kind is not CellKind.MERKLE_PROOF or proof.level_mask:
        raise Refused(Reason.MALFORMED, f"{what}: not a Merkle proof")
    return proof.refs[0]


def is_masterchain(block: BlockId) -> bool:
    """Whether a block id names a masterchain block."""
    return block.workchain == MASTERCHAIN and block.shard == WHOLE


def read_parts(proof: Cell, block: BlockId, what: str) -> Parts:
    """Return the parts of `block` from a Merkle proof of it, which has the block's root hash."""
    root = shown_tree(proof, what)
    if root.hash_at(0) != block.root_hash:
        raise Refused(Reason.UNPROVEN, f"{what}: a proof of another block than {block.seqno}")
    with reading(what):
        data = Slice(root)
        if data.uint(32) != _BLOCK_TAG:
            raise Refused(Reason.MALFORMED, f"{what}: not a block")
        info, _value_flow, update, extra = data.ref(), data.ref(), data.ref(), data.ref()
    return Parts(info, update, extra)


def read_header(proof: Cell, block: BlockId, what: str) -> Header:
    """Return the header of `block` from a Merkle proof of it.

    Rules: the tree has the block's root hash; seqno, workchain and shard in the header are those of the id, because
    neither hashes nor signatures cover the id. Source: `check_block_header_proof` in crypto/block/check-proof.cpp.
    """
    parts = read_parts(proof, block, what)
    with reading(what):
        return _read_info(Slice(parts.info), block, parts, what)


def state_hash(header: Header, what: str) -> bytes:
    """Return the hash of the state after a block, from the data of its Merkle update, which the block's hash covers.

    Rule: never from the child of the update: a child of a cell that nobody checked can be anything . Here both are the
    same, which was checked when the cell was made. Source: `check_block_header_proof`.
    """
    update = header.parts.state_update
    if update.kind is not CellKind.MERKLE_UPDATE:
        raise Refused(Reason.HIDDEN, f"{what}: no Merkle update of the state in it")
    return update.data[33:65]


def _read_info(data: Slice, block: BlockId, parts: Parts, what: str) -> Header:
    """Read `block_info#9bc7a987` of block.tlb."""
    tag, _version = data.uint(32), data.uint(32)
    not_master, after_merge = data.bit(), data.bit()
    data.uint(4)  # before_split, after_split, want_split, want_merge
    key_block = data.bit()
    data.uint(1 + 8)  # vert_seqno_incr, flags
    seqno, _vert_seqno = data.uint(32), data.uint(32)
    workchain, shard = read_shard(data)
    gen_utime = data.uint(32)
    data.uint(64 + 64)  # start_lt, end_lt
    list_hash, catchain_seqno, _min_ref = data.uint(32), data.uint(32), data.uint(32)
    prev_key_block = data.uint(32)
    if (tag, seqno, workchain, shard) != (_INFO_TAG, block.seqno, block.workchain, block.shard):
        raise Refused(Reason.HEADER, f"{what}: its header is that of block {workchain}:{shard:016x}:{seqno}")
    if not_master:
        data.ref()
    previous = _previous(data.ref(), after_merge)
    return Header(key_block, gen_utime, list_hash, catchain_seqno, prev_key_block, previous, parts)


def read_shard(data: Slice) -> tuple[int, int]:
    """Read `shard_ident$00`: workchain, and shard with its end bit."""
    tag, bits, workchain, prefix = data.uint(2), data.uint(6), data.int_(32), data.uint(64)
    end_bit = 1 << 63 - bits
    if tag or bits > 60 or prefix & (2 * end_bit - 1):
        raise Refused(Reason.MALFORMED, "a shard with a wrong name")
    return workchain, prefix | end_bit


def _previous(prev: Cell, after_merge: bool) -> tuple[Previous, ...]:
    """Read `BlkPrevInfo`: one `ExtBlkRef`, or two after a merge."""
    if prev.kind is CellKind.PRUNED_BRANCH:
        return ()
    blocks = Slice(prev)
    found = [Slice(blocks.ref()), Slice(blocks.ref())] if after_merge else [blocks]
    return tuple(_ext_block_ref(block) for block in found)


def _ext_block_ref(data: Slice) -> Previous:
    data.uint(64)  # end_lt
    return Previous(data.uint(32), data.bytes_(32), data.bytes_(32))
