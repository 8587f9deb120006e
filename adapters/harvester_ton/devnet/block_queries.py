"""Queries about blocks, shards, time and config."""

from __future__ import annotations

import bisect
import struct
from typing import Final

from harvester_ton.devnet import block_proofs, proofs
from harvester_ton.devnet.blocks import BASECHAIN, MASTERCHAIN, Block
from harvester_ton.devnet.boc import write_boc
from harvester_ton.devnet.lite_view import BAD_REQUEST, ID, NOT_APPLIED, NOT_FOUND, Handler, LiteError, LiteView, tag
from harvester_ton.devnet.tl import TlReader, pack_bytes

_VERSION, _CAPABILITIES = 0x101, 7


def _zero_state(view: LiteView) -> bytes:
    zero = view.chain.heights[0].master.id
    return struct.pack("<i", zero.workchain) + zero.root_hash + zero.file_hash


def _info(view: LiteView, _: TlReader) -> bytes:
    last = view.last.master
    head = tag(f"masterchainInfo last:{ID} state_root_hash:int256 init:tonNode.zeroStateIdExt = MasterchainInfo")
    return head + last.id.tl() + last.state_hash + _zero_state(view)


def _info_ext(view: LiteView, query: TlReader) -> bytes:
    if query.uint32():
        raise LiteError(BAD_REQUEST, "unsupported getMasterchainInfoExt mode")
    last = view.last.master
    head = tag(
        f"masterchainInfoExt mode:# version:int capabilities:long last:{ID} last_utime:int now:int "
        "state_root_hash:int256 init:tonNode.zeroStateIdExt = MasterchainInfoExt"
    )
    times = struct.pack("<ii", last.gen_utime, int(view.chain.now()))
    about = struct.pack("<Iiq", 0, _VERSION, _CAPABILITIES)
    return head + about + last.id.tl() + times + last.state_hash + _zero_state(view)


def _time(view: LiteView, _: TlReader) -> bytes:
    return tag("currentTime now:int = CurrentTime") + struct.pack("<i", int(view.chain.now()))


def _version(view: LiteView, _: TlReader) -> bytes:
    head = tag("version mode:# version:int capabilities:long now:int = Version")
    return head + struct.pack("<Iiqi", 0, _VERSION, _CAPABILITIES, int(view.chain.now()))


def _block(view: LiteView, query: TlReader) -> bytes:
    _, block = view.named(query)
    if block.id.seqno == 0:
        raise LiteError(BAD_REQUEST, "a zero state is not a block")
    return tag(f"blockData id:{ID} data:bytes = BlockData") + block.id.tl() + pack_bytes(block.boc)


def _state(view: LiteView, query: TlReader) -> bytes:
    _, block = view.named(query)
    data = block.boc if block.id.seqno == 0 else write_boc(block.state)
    head = tag(f"blockState id:{ID} root_hash:int256 file_hash:int256 data:bytes = BlockState")
    return head + block.id.tl() + block.state_hash + proofs.file_hash(data) + pack_bytes(data)


def _header(view: LiteView, query: TlReader) -> bytes:
    _, block = view.named(query)
    return _pack_header(block, query.uint32())


def _pack_header(block: Block, mode: int) -> bytes:
    proof = block.state_proof if mode & 1 else block.header_proof()
    head = tag(f"blockHeader id:{ID} mode:# header_proof:bytes = BlockHeader")
    return head + block.id.tl() + struct.pack("<I", mode) + pack_bytes(write_boc(proof))


def _lookup(view: LiteView, query: TlReader) -> bytes:
    mode, workchain, _, seqno = query.uint32(), query.int32(), query.int64(), query.int32()
    by = mode & 7
    if by == 1:
        index = seqno
    elif by in (2, 4):
        wanted = query.int64() if by == 2 else query.int32()
        key = (lambda height: height.shard.end_lt) if by == 2 else (lambda height: height.shard.gen_utime)
        index = bisect.bisect_left(view.chain.heights, wanted, hi=view.head + 1, key=key)
    else:
        raise LiteError(BAD_REQUEST, "exactly one of seqno, lt and utime must be given")
    if not 0 <= index <= view.head:
        raise LiteError(NOT_APPLIED, "block is not found")
    height = view.chain.heights[index]
    return _pack_header(height.master if workchain == MASTERCHAIN else height.shard, mode & ~7)


def _shard(view: LiteView, query: TlReader) -> bytes:
    height, block = view.named(query)
    if query.int32() != BASECHAIN:
        raise LiteError(NOT_FOUND, "no such shard")
    head = tag(f"shardInfo id:{ID} shardblk:{ID} shard_proof:bytes shard_descr:bytes = ShardInfo")
    descr = pack_bytes(write_boc(proofs.shard_leaf(height)))
    return head + block.id.tl() + height.shard.id.tl() + pack_bytes(proofs.shard(height)) + descr


def _shards(view: LiteView, query: TlReader) -> bytes:
    height, block = view.named(query)
    head = tag(f"allShardsInfo id:{ID} proof:bytes data:bytes = AllShardsInfo")
    return head + block.id.tl() + pack_bytes(proofs.shard(height)) + pack_bytes(proofs.all_shards(height))


def _proof(view: LiteView, query: TlReader) -> bytes:
    mode = query.uint32()
    known, start = view.named(query)
    target, end = view.named(query) if mode & 1 else (view.last, view.last.master)
    if start is not known.master or end is not target.master:
        raise LiteError(BAD_REQUEST, "block proofs lead from a masterchain block to a masterchain block")
    return block_proofs.partial_proof(view.chain.heights, known, target, view.chain.signatures)


def _shard_proof(view: LiteView, query: TlReader) -> bytes:
    height, block = view.named(query)
    if block is height.master:
        raise LiteError(BAD_REQUEST, "a masterchain block is not proven by a masterchain block")
    return block_proofs.shard_block_proof(height)


def _config_all(view: LiteView, query: TlReader) -> bytes:
    mode = query.uint32()
    height, block = view.named(query)
    return _pack_config(mode, block, proofs.config(height))


def _config_params(view: LiteView, query: TlReader) -> bytes:
    mode = query.uint32()
    height, block = view.named(query)
    params = [query.int32() for _ in range(query.uint32())]
    return _pack_config(mode, block, proofs.config(height, params))


def _pack_config(mode: int, block: Block, config_proof: bytes) -> bytes:
    head = tag(f"configInfo mode:# id:{ID} state_proof:bytes config_proof:bytes = ConfigInfo")
    state_proof = pack_bytes(write_boc(block.state_proof))
    return head + struct.pack("<I", mode) + block.id.tl() + state_proof + pack_bytes(config_proof)


BLOCK_QUERIES: Final[dict[str, Handler]] = {
    "getMasterchainInfo = MasterchainInfo": _info,
    "getMasterchainInfoExt mode:# = MasterchainInfoExt": _info_ext,
    "getTime = CurrentTime": _time,
    "getVersion = Version": _version,
    f"getBlock id:{ID} = BlockData": _block,
    f"getState id:{ID} = BlockState": _state,
    f"getBlockHeader id:{ID} mode:# = BlockHeader": _header,
    "lookupBlock mode:# id:tonNode.blockId lt:mode.1?long utime:mode.2?int = BlockHeader": _lookup,
    f"getShardInfo id:{ID} workchain:int shard:long exact:Bool = ShardInfo": _shard,
    f"getAllShardsInfo id:{ID} = AllShardsInfo": _shards,
    f"getBlockProof mode:# known_block:{ID} target_block:mode.0?{ID} = PartialBlockProof": _proof,
    f"getShardBlockProof id:{ID} = ShardBlockProof": _shard_proof,
    f"getConfigAll mode:# id:{ID} = ConfigInfo": _config_all,
    f"getConfigParams mode:# id:{ID} param_list:vector int = ConfigInfo": _config_params,
}
