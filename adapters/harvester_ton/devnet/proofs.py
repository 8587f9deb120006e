"""Merkle proofs out of the chain: shards, accounts (present and absent), config.

Each is the bag of cells a full node would send: the proof of the block header, then the proof of the state under it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from harvester_ton.devnet.blocks import BASECHAIN, MASTERCHAIN, Block, StateGone
from harvester_ton.devnet.boc import write_boc
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.hashmap_aug import cell_path
from harvester_ton.devnet.heights import Height
from harvester_ton.devnet.merkle import merkle_proof, tree_hashes

CodeAndData = tuple[Cell, Cell]


@dataclass(frozen=True)
class ProvenAccount:
    """What `getAccountState` answers. An absent account has an empty state and a proof of absence."""

    shard: Block
    shard_proof: bytes
    proof: bytes
    shard_account: Cell | None

    @property
    def state_boc(self) -> bytes:
        return write_boc(self.shard_account.refs[0]) if self.shard_account else b""

    @property
    def state_proof(self) -> bytes:
        """The whole account as a Merkle proof, for get-methods."""
        if not self.shard_account:
            return b""
        root = self.shard_account.refs[0]
        return write_boc(merkle_proof(root, tree_hashes(root)))


def file_hash(data: bytes) -> bytes:
    """SHA-256 of a file, as block ids carry it."""
    return hashlib.sha256(data).digest()


def shard(height: Height) -> bytes:
    """That the masterchain block names its shard block."""
    if height.shard_proof is None:
        state = height.master.state
        custom = state.refs[3]
        keep = {state.hash, state.refs[2].hash, custom.hash, custom.refs[2].hash} | tree_hashes(custom.refs[0])
        height.shard_proof = _with_header(height.master, merkle_proof(state, keep))
    return height.shard_proof


def last_key(height: Height) -> bytes:
    """That the masterchain state names its last key block, and where its list of old blocks is."""
    if height.key_proof is None:
        state = height.master.state
        custom = state.refs[3]
        height.key_proof = write_boc(merkle_proof(state, {state.hash, custom.hash, custom.refs[2].hash}))
    return height.key_proof


def old_block(height: Height, seqno: int) -> bytes:
    """That the masterchain state lists an old block."""
    state = height.master.state
    custom = state.refs[3]
    path = {cell.hash for cell in height.old_blocks.path(seqno)} if height.old_blocks else set()
    return write_boc(merkle_proof(state, {state.hash, custom.hash, custom.refs[2].hash} | path))


def _with_header(block: Block, state_proof: Cell) -> bytes:
    return write_boc([block.state_proof, state_proof] if block.id.seqno else [state_proof])


def _shard_hashes(height: Height) -> Cell:
    return height.master.state.refs[3].refs[0]


def shard_leaf(height: Height) -> Cell:
    """The leaf with the `ShardDescr`, as getShardInfo sends it."""
    return _shard_hashes(height).refs[0]


def all_shards(height: Height) -> bytes:
    """`ShardHashes`: the dictionary behind its presence bit."""
    return write_boc(Builder().maybe_ref(_shard_hashes(height)).end())


def account(height: Height, block: Block, workchain: int, address: bytes) -> ProvenAccount:
    """The account as of `block`, which is the masterchain or the shard block of `height`."""
    if workchain == MASTERCHAIN:
        return ProvenAccount(height.master, b"", _state_path(height.master, []), None)
    if workchain != BASECHAIN:
        raise ValueError(f"there is no workchain {workchain}")
    key = int.from_bytes(address, "big")
    if height.accounts is None:
        raise StateGone(f"the accounts of block {block.id.seqno} are already gone")
    value = height.accounts.leaf(key)
    shard_proof = shard(height) if block is height.master else b""
    proof = _state_path(height.shard, height.accounts.path(key))
    return ProvenAccount(height.shard, shard_proof, proof, value.end() if value else None)


def _state_path(block: Block, path: Iterable[Cell]) -> bytes:
    state = block.state
    keep = {state.hash, state.refs[1].hash, state.refs[2].hash, *(cell.hash for cell in path)}
    return _with_header(block, merkle_proof(state, keep))


def config(height: Height, params: list[int] | None = None) -> bytes:
    """The config in the masterchain state: all of it, or the parameters asked for."""
    state = height.master.state
    custom = state.refs[3]
    root = custom.refs[1]
    keep = {state.hash, custom.hash, custom.refs[2].hash, root.hash}
    return write_boc(merkle_proof(state, keep | config_hashes(root, params)))


def config_hashes(root: Cell, params: list[int] | None) -> set[bytes]:
    """The cells that show these parameters of a config, or all of them."""
    if params is None:
        return tree_hashes(root)
    keep = {root.hash}
    for number in params:
        path = cell_path(root, 32, number & 0xFFFFFFFF)
        keep |= {cell.hash for cell in path}
        keep |= tree_hashes(path[-1].refs[0]) if len(path[-1].refs) == 1 else set()
    return keep
