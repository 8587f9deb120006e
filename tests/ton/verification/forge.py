"""Blocks and states of a network of our own, true to the formats, from which any lie can be made.

Built on the cells of the local chain, which check nothing, so that forged exotic cells can be made too.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from harvester_ton.devnet.boc import pruned_branch, write_boc
from harvester_ton.devnet.cells import MERKLE_PROOF, MERKLE_UPDATE, Builder, Cell
from harvester_ton.devnet.hashmap_aug import Augmentation, HashMap
from harvester_ton.tl import BlockId
from tests.ton.verification.committee import CATCHAIN, NOW, Committee, config, some


@dataclass(frozen=True)
class Header:
    """What a block says of itself."""

    seqno: int
    committee: Committee
    workchain: int = -1
    key: bool = False
    prev_key: int = 10


@dataclass(frozen=True)
class Block:
    """A block with the state after it. Seqno 0: only a state, which its id names."""

    id: BlockId
    root: Cell
    state: Cell
    key: bool = False

    @property
    def header_proof(self) -> Cell:
        """The Merkle proof that a node sends of a header and of the hash of the state."""
        info, update = self.root.refs[0], self.root.refs[2]
        return merkle_proof(self.root, {self.root.hash, update.hash} | tree_hashes(info))


def _currency(builder: Builder, _: int = 0) -> Builder:
    return builder.uint(0, 4 + 1)


ACCOUNTS: Final = Augmentation(lambda builder, _: builder.uint(0, 5 + 4 + 1), lambda _a, _b: 0, 0)


def tree_hashes(root: Cell) -> set[bytes]:
    """Every cell of a tree: what to keep for showing all of it."""
    found: set[bytes] = set()
    todo = [root]
    while todo:
        cell = todo.pop()
        if cell.hash not in found:
            found.add(cell.hash)
            todo += cell.refs
    return found


def merkle_proof(root: Cell, keep: set[bytes]) -> Cell:
    """The Merkle proof that keeps the cells with these hashes and prunes the others."""
    data = bytes((MERKLE_PROOF,)) + root.level_hash(0) + root.level_depth(0).to_bytes(2)
    return Cell(data, 8 * len(data), (_pruned(root, keep, 0, {}),), MERKLE_PROOF)


def _pruned(cell: Cell, keep: set[bytes], depth: int, done: dict[tuple[bytes, int], Cell]) -> Cell:
    """Each cell once: trees that share their branches are made here too."""
    if cell.hash not in keep:
        return pruned_branch(cell, depth)
    if (cell.hash, depth) not in done:
        below = depth + (cell.kind in (MERKLE_PROOF, MERKLE_UPDATE))
        refs = [_pruned(ref, keep, below, done) for ref in cell.refs]
        done[cell.hash, depth] = Cell(cell.data, cell.bits, refs, cell.kind)
    return done[cell.hash, depth]


def merkle_update(old: Cell, new: Cell) -> Cell:
    """The update from one state to the next, both pruned at their roots."""
    data = bytes((MERKLE_UPDATE,)) + old.hash + new.hash + old.depths[-1].to_bytes(2) + new.depths[-1].to_bytes(2)
    return Cell(data, 8 * len(data), (pruned_branch(old), pruned_branch(new)), MERKLE_UPDATE)


def shard_state(made: Header, accounts: HashMap, custom: Cell | None) -> Cell:
    """`ShardStateUnsplit`."""
    totals = _currency(_currency(Builder().uint(0, 128))).uint(0, 2).end()
    builder = Builder().uint(0x9023AFE2, 32).uint(1, 32).uint(0, 8).sint(made.workchain, 32).uint(0, 64)
    builder.uint(made.seqno, 32).uint(0, 32).uint(NOW, 32).uint(9, 64).uint(0, 32).ref(Builder().end()).uint(0, 1)
    return builder.ref(accounts.store_e(Builder()).end()).ref(totals).maybe_ref(custom).end()


def masterchain_state(
    made: Header, conf: Cell, hashes: Cell | None, accounts: HashMap | None = None, last_key: "Block | None" = None
) -> Cell:
    """A state with `McStateExtra`."""
    old = Builder().uint(0, 16 + 65).uint(0, 1 + 65).uint(0, 1).uint(last_key is not None, 1)
    if last_key:
        old.uint(1, 64).uint(last_key.id.seqno, 32).raw(last_key.id.root_hash).raw(last_key.id.file_hash)
    old_blocks = old.end()
    extra = Builder().uint(0xCC26, 16).maybe_ref(hashes).raw(b"\x55" * 32).ref(conf).ref(old_blocks)
    return shard_state(made, accounts or HashMap(256, ACCOUNTS), _currency(extra).end())


def shard_hashes(*shards: "Block") -> Cell:
    """`ShardHashes` of whole workchains."""
    found = HashMap(32)
    for shard in shards:
        named = shard.id
        builder = Builder().uint(0, 1).uint(0xA, 4).uint(named.seqno, 32).uint(1, 32).uint(1, 64).uint(2, 64)
        builder.raw(named.root_hash).raw(named.file_hash).uint(0, 8).uint(1, 32).uint(1 << 63, 64).uint(0, 32)
        leaf = builder.uint(NOW, 32).uint(0, 1).ref(_currency(_currency(Builder())).end()).end()
        found = found.set(named.workchain & 0xFFFFFFFF, Builder().ref(leaf))
    return some(found.root)


def header(seqno: int, committee: Committee, workchain: int = -1, *, key: bool = False, prev_key: int = 10) -> Header:
    """The header of a block that this committee makes."""
    return Header(seqno, committee, workchain, key, prev_key)


def master_block(
    made: Header,
    conf: Cell,
    hashes: Cell | None = None,
    accounts: HashMap | None = None,
    last_key: Block | None = None,
) -> Block:
    """A masterchain block with these shards, after which `conf` is in force."""
    extra = Builder().uint(0xCCA5, 16).uint(made.key, 1).maybe_ref(hashes).uint(0, 1)
    _currency(_currency(extra)).ref(Builder().uint(0, 3).end())
    if made.key:
        extra.raw(b"\x55" * 32).ref(conf)
    return make_block(made, masterchain_state(made, conf, hashes, accounts, last_key), extra.end())


def shard_block(seqno: int, accounts: HashMap, workchain: int = 0) -> Block:
    """A block of another workchain with these accounts after it."""
    made = header(seqno, Committee("shard"), workchain)
    return make_block(made, shard_state(made, accounts, None), None)


def make_block(made: Header, state: Cell, custom: Cell | None, **changes: Cell) -> Block:
    """A block; `changes` replace its state update."""
    extra = Builder().uint(0x4A33F6FD, 32).ref(Builder().uint(0, 10).end()).ref(Builder().uint(0, 6).end())
    extra.ref(_currency(Builder().uint(0, 1)).end()).uint(0, 512).maybe_ref(custom)
    flow = Builder().uint(0xB8E48DFB, 32).ref(_flow()).append(_currency(Builder())).ref(_flow()).end()
    update = changes.get("update") or merkle_update(Builder().end(), state)
    root = Builder().uint(0x11EF55AA, 32).uint(1, 32).ref(_info(made)).ref(flow).ref(update).ref(extra.end()).end()
    return Block(named(made, root), root, state, made.key)


def named(made: Header, root: Cell) -> BlockId:
    """The id of a block or zero state."""
    return BlockId(made.workchain, 1 << 63, made.seqno, root.hash, sha256(write_boc(root)).digest())


def _flow() -> Cell:
    return _currency(_currency(_currency(_currency(Builder())))).end()


def _info(made: Header) -> Cell:
    not_master = made.workchain != -1
    builder = Builder().uint(0x9BC7A987, 32).uint(0, 32).uint(not_master, 1).uint(0, 5).uint(made.key, 1).uint(0, 9)
    builder.uint(made.seqno, 32).uint(0, 32).uint(0, 8).sint(made.workchain, 32).uint(0, 64)
    builder.uint(NOW + made.seqno, 32).uint(1, 64).uint(2, 64).uint(made.committee.set_hash(), 32).uint(CATCHAIN, 32)
    builder.uint(0, 32).uint(made.prev_key, 32)
    if not_master:
        builder.ref(Builder().uint(0, 64 + 32 + 512).end())
    return builder.ref(Builder().uint(1, 64).uint(made.seqno - 1, 32).uint(0, 512).end()).end()


def zero_state(committee: Committee) -> Block:
    """A masterchain zero state."""
    made = header(0, committee)
    state = masterchain_state(made, config(committee), None)
    return Block(named(made, state), state, state)


START_SHARD: Final = shard_block(1, HashMap(256, ACCOUNTS))
