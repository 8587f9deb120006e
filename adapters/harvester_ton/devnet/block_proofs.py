"""Proofs from masterchain block to masterchain block, and from a masterchain block to its shard block.

Forward links go over key blocks, each signed by the validators that the link's start puts in force; the zero state
may be the start. A link back leads from any block to its last key block, or to any older block the state lists.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from harvester_ton.devnet import proofs
from harvester_ton.devnet.blocks import Block
from harvester_ton.devnet.boc import write_boc
from harvester_ton.devnet.heights import Height
from harvester_ton.devnet.merkle import merkle_proof, tree_hashes
from harvester_ton.devnet.signatures import SignatureForm, signature_set
from harvester_ton.devnet.tl import constructor, pack_bool, pack_bytes

MAX_LINKS = 16
_ID = "tonNode.blockIdExt"
_CONFIG_PARAMS: Final = [28, 34]


def partial_proof(heights: Sequence[Height], known: Height, target: Height, form: SignatureForm) -> bytes:
    """`liteServer.partialBlockProof`: up to 16 links from `known` towards `target`."""
    links: list[bytes] = []
    at = known
    while at is not target and len(links) < MAX_LINKS:
        step, link = _next(heights, at, target, form)
        links.append(link)
        at = step
    tag = constructor(
        f"liteServer.partialBlockProof complete:Bool from:{_ID} to:{_ID} steps:vector liteServer.BlockLink"
        " = liteServer.PartialBlockProof"
    )
    ends = known.master.id.tl() + at.master.id.tl()
    return tag + pack_bool(at is target) + ends + struct.pack("<I", len(links)) + b"".join(links)


def _next(heights: Sequence[Height], at: Height, target: Height, form: SignatureForm) -> tuple[Height, bytes]:
    seqno, wanted = at.master.id.seqno, target.master.id.seqno
    if wanted < seqno:
        return target, _back(at, target)
    if seqno and not at.master.key_block:
        key = heights[at.prev_key_seqno]
        return key, _back(at, key)
    step = next((h for h in _keys(heights, target) if h.master.id.seqno > seqno), target)
    return step, _forward(at, step, form)


def _keys(heights: Sequence[Height], target: Height) -> list[Height]:
    """The key blocks up to `target`, oldest first: each names the one before it."""
    at = target if target.master.key_block else heights[target.prev_key_seqno]
    found = []
    while at.master.id.seqno:
        found.append(at)
        at = heights[at.prev_key_seqno]
    return found[::-1]


def _forward(start: Height, end: Height, form: SignatureForm) -> bytes:
    tag = constructor(
        f"liteServer.blockLinkForward to_key_block:Bool from:{_ID} to:{_ID} dest_proof:bytes config_proof:bytes "
        "signatures:liteServer.SignatureSet = liteServer.BlockLink"
    )
    parts = pack_bytes(write_boc(end.master.header_proof())) + pack_bytes(_config_proof(start.master))
    return tag + _ends(start.master, end.master) + parts + signature_set(form, end.validators, end.master.id)


def _back(start: Height, end: Height) -> bytes:
    tag = constructor(
        f"liteServer.blockLinkBack to_key_block:Bool from:{_ID} to:{_ID} dest_proof:bytes proof:bytes "
        "state_proof:bytes = liteServer.BlockLink"
    )
    last_key = end.master.id.seqno == start.prev_key_seqno
    state_proof = proofs.last_key(start) if last_key else proofs.old_block(start, end.master.id.seqno)
    shown = (write_boc(end.master.header_proof()), write_boc(start.master.state_proof), state_proof)
    return tag + _ends(start.master, end.master) + b"".join(map(pack_bytes, shown))


def _ends(start: Block, end: Block) -> bytes:
    return pack_bool(end.key_block) + start.id.tl() + end.id.tl()


def _config_proof(block: Block) -> bytes:
    """The validators that follow a key block, proven from the block; those after the zero state, from the state."""
    if block.id.seqno == 0:
        custom = block.state.refs[3]
        root, config, shown = block.state, custom.refs[1], {block.state.hash, custom.hash, custom.refs[2].hash}
    else:
        root = block.root
        extra = root.refs[3]
        custom = extra.refs[3]
        config, shown = custom.refs[2], {root.hash, extra.hash, custom.hash, custom.refs[1].hash}
        shown |= tree_hashes(root.refs[0])
    return write_boc(merkle_proof(root, shown | proofs.config_hashes(config, _CONFIG_PARAMS)))


def shard_block_proof(height: Height) -> bytes:
    """`liteServer.shardBlockProof`: the masterchain block that names the shard block, as one link."""
    root = height.master.root
    extra = root.refs[3]
    custom = extra.refs[3]
    shown = {root.hash, extra.hash, custom.hash, custom.refs[1].hash} | tree_hashes(root.refs[0])
    proof = write_boc(merkle_proof(root, shown | tree_hashes(custom.refs[0])))
    tag = constructor(
        f"liteServer.shardBlockProof masterchain_id:{_ID} links:vector liteServer.shardBlockLink"
        " = liteServer.ShardBlockProof"
    )
    return tag + height.master.id.tl() + struct.pack("<I", 1) + height.shard.id.tl() + pack_bytes(proof)
