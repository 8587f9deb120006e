"""Blocks and states of the local chain as real TL-B cells (block.tlb of the TON sources).

What is simplified, and why nobody who follows accounts can tell: message descriptors, the out-message queue and the
value flow are empty, because every message is delivered in the block that made it or kept by the chain itself.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harvester_ton.devnet.boc import read_root, write_boc
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.hashmap_aug import Augmentation, HashMap
from harvester_ton.devnet.merkle import merkle_proof, merkle_update, tree_hashes

GLOBAL_ID = -239  # the main network's: v5 wallets sign it, and wallets of integrators expect it
SHARD_FULL = -(1 << 63)
MASTERCHAIN, BASECHAIN = -1, 0
LT_STEP = 1_000_000
ZERO_HASH = bytes(32)


def store_currency(builder: Builder, amount_nano: int) -> Builder:
    """`CurrencyCollection` without extra currencies."""
    return builder.coins(amount_nano).uint(0, 1)


def _store_depth_balance(builder: Builder, amount_nano: int) -> Builder:
    return store_currency(builder.uint(0, 5), amount_nano)


def _store_key_max_lt(builder: Builder, extra: tuple[bool, int]) -> Builder:
    return builder.uint(extra[0], 1).uint(extra[1], 64)


def _add(left: int, right: int) -> int:
    return left + right


ACCOUNTS = Augmentation(_store_depth_balance, _add, 0)
CURRENCY = Augmentation(store_currency, _add, 0)
OLD_BLOCKS = Augmentation(_store_key_max_lt, lambda a, b: (a[0] or b[0], max(a[1], b[1])), (False, 0))


@dataclass(frozen=True, slots=True)
class BlockId:
    """`tonNode.blockIdExt`."""

    workchain: int
    shard: int
    seqno: int
    root_hash: bytes
    file_hash: bytes

    def tl(self) -> bytes:
        """The 80 bytes of the lite API."""
        return struct.pack("<iqI", self.workchain, self.shard, self.seqno) + self.root_hash + self.file_hash


class StateGone(LookupError):
    """The state of an old block is not kept."""


@dataclass(eq=False)
class Block:
    """A block, its state after it, and what others refer to it by. Seqno 0 is the zero state: no block cell.

    The cells of a block are read back from its file when they are wanted, which is rare; its state is held for a while.
    """

    id: BlockId
    boc: bytes
    gen_utime: int
    end_lt: int
    state_hash: bytes
    key_block: bool = False
    held_state: Cell | None = None

    @property
    def root(self) -> Cell:
        """The block's cell. Raises `StateGone` for a zero state, which has none."""
        if self.id.seqno == 0:
            raise StateGone("a zero state is not a block")
        return read_root(self.boc)

    @property
    def state(self) -> Cell:
        """The state after the block. Raises `StateGone` for an old block."""
        if self.held_state is None:
            raise StateGone(f"the state of block {self.id.seqno} is already gone")
        return self.held_state

    def reference(self) -> Builder:
        """`ExtBlkRef` to this block."""
        builder = Builder().uint(self.end_lt, 64).uint(self.id.seqno, 32)
        return builder.raw(self.id.root_hash).raw(self.id.file_hash)

    def header_proof(self) -> Cell:
        """Merkle proof of the header alone."""
        root = self.root
        return merkle_proof(root, {root.hash} | tree_hashes(root.refs[0]))

    @cached_property
    def state_proof(self) -> Cell:
        """Merkle proof of the header and of the hash of the state after the block."""
        root = self.root
        return merkle_proof(root, {root.hash, root.refs[2].hash} | tree_hashes(root.refs[0]))

    def retire(self) -> None:
        """Lets go of every cell; the file stays."""
        self.held_state = None
        self.__dict__.pop("state_proof", None)


@dataclass(frozen=True)
class Header:
    """What `BlockInfo` says beyond the previous block."""

    workchain: int
    seqno: int
    gen_utime: int
    start_lt: int
    end_lt: int
    key_block: bool
    validator_hash: int
    catchain_seqno: int
    min_ref_mc_seqno: int
    prev_key_seqno: int
    version: int = 2
    capabilities: int = 0x2E


@dataclass(frozen=True)
class McExtra:
    """The masterchain part of a state and of a block."""

    shard_hashes: Cell
    config_address: bytes
    config: Cell
    validator_state_hash: int
    catchain_seqno: int
    old_blocks: HashMap
    key_block: bool
    last_key_block: Block | None
    balance: int = field(default=0)


def store_shard_ident(builder: Builder, workchain: int) -> Builder:
    """`ShardIdent` of a whole, unsplit workchain."""
    return builder.uint(0, 2).uint(0, 6).sint(workchain, 32).uint(0, 64)


def shard_state(header: Header, accounts: HashMap, *, master: Block | None, custom: Cell | None) -> Cell:
    """`ShardStateUnsplit` after the block of `header`."""
    out_queue = Builder().uint(0, 67).end()
    details = store_currency(Builder().uint(0, 128), accounts.extra)
    store_currency(details, 0).uint(0, 1)
    details.uint(1, 1).append(master.reference()) if master else details.uint(0, 1)
    builder = store_shard_ident(Builder().uint(0x9023AFE2, 32).sint(GLOBAL_ID, 32), header.workchain)
    builder.uint(header.seqno, 32).uint(0, 32).uint(header.gen_utime, 32).uint(header.end_lt, 64)
    builder.uint(header.min_ref_mc_seqno, 32).ref(out_queue).uint(0, 1)
    builder.ref(accounts.store_e(Builder()).end()).ref(details.end())
    return builder.maybe_ref(custom).end()


def mc_state_extra(extra: McExtra) -> Cell:
    """`McStateExtra`."""
    inner = Builder().uint(0, 16).uint(extra.validator_state_hash, 32).uint(extra.catchain_seqno, 32).uint(0, 1)
    extra.old_blocks.store_e(inner).uint(extra.key_block, 1)
    last = extra.last_key_block
    inner.uint(1, 1).append(last.reference()) if last else inner.uint(0, 1)
    builder = Builder().uint(0xCC26, 16).uint(1, 1).ref(extra.shard_hashes)
    builder.raw(extra.config_address).ref(extra.config).ref(inner.end())
    return store_currency(builder, extra.balance).end()


def mc_block_extra(extra: McExtra) -> Cell:
    """`McBlockExtra`; the config is part of it in a key block only."""
    builder = Builder().uint(0xCCA5, 16).uint(extra.key_block, 1).uint(1, 1).ref(extra.shard_hashes)
    builder.uint(0, 1 + 10).ref(Builder().uint(0, 3).end())
    if extra.key_block:
        builder.raw(extra.config_address).ref(extra.config)
    return builder.end()


def shard_hashes(shard: Block, *, mc_seqno: int, start_lt: int, catchain_seqno: int, min_ref_mc_seqno: int) -> Cell:
    """The dictionary of `ShardHashes` with the one shard of the base workchain."""
    ref = shard.id
    descr = Builder().uint(0, 1).uint(0xA, 4).uint(ref.seqno, 32).uint(mc_seqno, 32)
    descr.uint(start_lt, 64).uint(shard.end_lt, 64).raw(ref.root_hash).raw(ref.file_hash).uint(0, 8)
    descr.uint(catchain_seqno, 32).sint(SHARD_FULL, 64).uint(min_ref_mc_seqno, 32).uint(shard.gen_utime, 32).uint(0, 1)
    descr.ref(store_currency(store_currency(Builder(), 0), 0).end())
    root = HashMap(32).set(BASECHAIN, Builder().ref(descr.end())).root
    if root is None:
        raise AssertionError("a dictionary with a key has a root")
    return root


def _block_info(header: Header, previous: Block, master: Block | None) -> Cell:
    builder = Builder().uint(0x9BC7A987, 32).uint(0, 32).uint(master is not None, 1).uint(0, 5)
    builder.uint(header.key_block, 1).uint(0, 1).uint(1, 8).uint(header.seqno, 32).uint(0, 32)
    store_shard_ident(builder, header.workchain).uint(header.gen_utime, 32)
    builder.uint(header.start_lt, 64).uint(header.end_lt, 64)
    builder.uint(header.validator_hash, 32).uint(header.catchain_seqno, 32)
    builder.uint(header.min_ref_mc_seqno, 32).uint(header.prev_key_seqno, 32)
    builder.uint(0xC4, 8).uint(header.version, 32).uint(header.capabilities, 64)
    if master:
        builder.ref(master.reference().end())
    return builder.ref(previous.reference().end()).end()


def _value_flow(before_nano: int, after_nano: int) -> Cell:
    first, second = Builder(), Builder()
    for amount in (before_nano, after_nano, 0, 0):
        store_currency(first, amount)
        store_currency(second, 0)
    return store_currency(Builder().uint(0xB8E48DFB, 32).ref(first.end()), 0).ref(second.end()).end()


def make_block(  # a block is these parts
    header: Header,
    *,
    previous: Block,
    master: Block | None,
    state: Cell,
    balances: tuple[int, int],
    account_blocks: HashMap,
    rand_seed: bytes,
    custom: Cell | None,
) -> Block:
    """Builds, serialises and names a block. `balances` are the totals before and after it."""
    extra = Builder().uint(0x4A33F6FD, 32)
    extra.ref(Builder().uint(0, 1 + 9).end()).ref(Builder().uint(0, 1 + 5).end())
    extra.ref(account_blocks.store_e(Builder()).end()).raw(rand_seed).raw(ZERO_HASH).maybe_ref(custom)
    root = Builder().uint(0x11EF55AA, 32).sint(GLOBAL_ID, 32).ref(_block_info(header, previous, master))
    root.ref(_value_flow(*balances)).ref(merkle_update(previous.state, state)).ref(extra.end())
    return _named(header, root.end(), state)


def _named(header: Header, root: Cell, state: Cell) -> Block:
    boc = write_boc(root)
    block_id = BlockId(header.workchain, SHARD_FULL, header.seqno, root.hash, hashlib.sha256(boc).digest())
    return Block(block_id, boc, header.gen_utime, header.end_lt, state.hash, header.key_block, state)


def zero_block(header: Header, state: Cell) -> Block:
    """The zero state dressed as block 0: what block 1 names as its previous one."""
    boc = write_boc(state)
    block_id = BlockId(header.workchain, SHARD_FULL, 0, state.hash, hashlib.sha256(boc).digest())
    return Block(block_id, boc, header.gen_utime, header.end_lt, state.hash, held_state=state)


def account_block(address: bytes, transactions: HashMap, old_hash: bytes, new_hash: bytes) -> tuple[Builder, Any]:
    """`AccountBlock` and its fees, for the dictionary of a shard block."""
    if transactions.root is None:
        raise ValueError("an account block has at least one transaction")
    update = Builder().uint(0x72, 8).raw(old_hash).raw(new_hash).end()
    return Builder().uint(5, 4).raw(address).append(transactions.root).ref(update), transactions.extra
