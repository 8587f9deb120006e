"""Answers to lite API queries, straight from the chain. Every answer and error is what a full node would send."""

from __future__ import annotations

import bisect
import struct
from collections.abc import Callable
from typing import Final

from harvester_ton.devnet import block_proofs, proofs
from harvester_ton.devnet.accounts import Account, raw_address
from harvester_ton.devnet.blocks import BASECHAIN, MASTERCHAIN, Block, StateGone
from harvester_ton.devnet.boc import read_root, write_boc, write_flat
from harvester_ton.devnet.cells import CellError
from harvester_ton.devnet.chain import Chain
from harvester_ton.devnet.heights import Height
from harvester_ton.devnet.tl import TlError, TlReader, constructor, pack_bytes, pack_error
from harvester_ton.devnet.tvm import MessageRefused

MAX_TRANSACTIONS = 16
NOT_APPLIED, TIMEOUT, BAD_REQUEST, NOT_FOUND = 651, 652, -400, -404
_VERSION, _CAPABILITIES = 0x101, 7
_NO_ACCOUNT_EXIT: Final = -0x100

_ID = "tonNode.blockIdExt"
_INFO = f"liteServer.masterchainInfo last:{_ID} state_root_hash:int256 init:tonNode.zeroStateIdExt"
_INFO_EXT = (
    f"liteServer.masterchainInfoExt mode:# version:int capabilities:long last:{_ID} last_utime:int now:int "
    "state_root_hash:int256 init:tonNode.zeroStateIdExt"
)
_STATE = f"liteServer.accountState id:{_ID} shardblk:{_ID} shard_proof:bytes proof:bytes state:bytes"
_METHOD = (
    f"liteServer.runMethodResult mode:# id:{_ID} shardblk:{_ID} shard_proof:mode.0?bytes proof:mode.0?bytes "
    "state_proof:mode.1?bytes init_c7:mode.3?bytes lib_extras:mode.4?bytes exit_code:int result:mode.2?bytes"
)
_SHARD = f"liteServer.shardInfo id:{_ID} shardblk:{_ID} shard_proof:bytes shard_descr:bytes"


class LiteError(Exception):
    """An answer of the kind `liteServer.error`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def _tag(line: str, result: str) -> bytes:
    return constructor(f"{line} = liteServer.{result}")


class LiteQueries:
    """Answers queries about `chain` as a node would that has seen it up to a given height."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._handlers: dict[bytes, Callable[[TlReader, int], bytes]] = {
            constructor(f"liteServer.{line}"): handler for line, handler in self._table().items()
        }

    def _table(self) -> dict[str, Callable[[TlReader, int], bytes]]:
        at, of, lookup = f"id:{_ID}", "account:liteServer.accountId", "lt:mode.1?long utime:mode.2?int"
        target = f"target_block:mode.0?{_ID}"
        return {
            "getMasterchainInfo = liteServer.MasterchainInfo": self._info,
            "getMasterchainInfoExt mode:# = liteServer.MasterchainInfoExt": self._info_ext,
            "getTime = liteServer.CurrentTime": self._time,
            "getVersion = liteServer.Version": self._version,
            f"getBlock {at} = liteServer.BlockData": self._block,
            f"getState {at} = liteServer.BlockState": self._state,
            f"getBlockHeader {at} mode:# = liteServer.BlockHeader": self._header,
            f"lookupBlock mode:# id:tonNode.blockId {lookup} = liteServer.BlockHeader": self._lookup,
            "sendMessage body:bytes = liteServer.SendMsgStatus": self._send,
            f"getAccountState {at} {of} = liteServer.AccountState": self._account,
            f"runSmcMethod mode:# {at} {of} method_id:long params:bytes = liteServer.RunMethodResult": self._method,
            f"getShardInfo {at} workchain:int shard:long exact:Bool = liteServer.ShardInfo": self._shard,
            f"getAllShardsInfo {at} = liteServer.AllShardsInfo": self._shards,
            f"getTransactions count:# {of} lt:long hash:int256 = liteServer.TransactionList": self._history,
            f"getConfigAll mode:# {at} = liteServer.ConfigInfo": self._config_all,
            f"getConfigParams mode:# {at} param_list:vector int = liteServer.ConfigInfo": self._config_params,
            f"getBlockProof mode:# known_block:{_ID} {target} = liteServer.PartialBlockProof": self._proof,
            f"getShardBlockProof {at} = liteServer.ShardBlockProof": self._shard_proof,
            "getLibraries library_list:vector int256 = liteServer.LibraryResult": self._libraries,
        }

    def answer(self, query: bytes, head: int) -> bytes:
        """The answer, an error answer included; `head` is the newest masterchain seqno to know of."""
        handler = self._handlers.get(query[:4])
        try:
            if handler is None:
                raise LiteError(BAD_REQUEST, f"unknown query {query[:4].hex()}")
            return handler(TlReader(query[4:]), head)
        except LiteError as error:
            return pack_error(error.code, error.message)
        except (TlError, CellError, StateGone, ValueError) as error:
            return pack_error(BAD_REQUEST, str(error))

    def _at(self, query: TlReader, head: int) -> tuple[Height, Block]:
        """The height and the block that the next 80 bytes name."""
        wanted = query.raw(80)
        workchain, _, seqno = struct.unpack_from("<iqI", wanted)
        if seqno > head:
            raise LiteError(NOT_APPLIED, "block is not applied")
        height = self._chain.heights[seqno]
        block = height.master if workchain == MASTERCHAIN else height.shard
        if block.id.tl() != wanted:
            raise LiteError(NOT_APPLIED, "block is unknown")
        return height, block

    def _info(self, _: TlReader, head: int) -> bytes:
        last = self._chain.heights[head].master
        return _tag(_INFO, "MasterchainInfo") + last.id.tl() + last.state_hash + self._init()

    def _init(self) -> bytes:
        zero = self._chain.heights[0].master.id
        return struct.pack("<i", zero.workchain) + zero.root_hash + zero.file_hash

    def _info_ext(self, query: TlReader, head: int) -> bytes:
        mode, last = query.uint32(), self._chain.heights[head].master
        if mode:
            raise LiteError(BAD_REQUEST, "unsupported getMasterchainInfoExt mode")
        times = struct.pack("<ii", last.gen_utime, int(self._chain.now()))
        about = struct.pack("<Iiq", 0, _VERSION, _CAPABILITIES)
        return _tag(_INFO_EXT, "MasterchainInfoExt") + about + last.id.tl() + times + last.state_hash + self._init()

    def _time(self, _: TlReader, __: int) -> bytes:
        return _tag("liteServer.currentTime now:int", "CurrentTime") + struct.pack("<i", int(self._chain.now()))

    def _version(self, _: TlReader, __: int) -> bytes:
        tag = _tag("liteServer.version mode:# version:int capabilities:long now:int", "Version")
        return tag + struct.pack("<Iiqi", 0, _VERSION, _CAPABILITIES, int(self._chain.now()))

    def _block(self, query: TlReader, head: int) -> bytes:
        _, block = self._at(query, head)
        if block.id.seqno == 0:
            raise LiteError(BAD_REQUEST, "a zero state is not a block")
        return _tag(f"liteServer.blockData id:{_ID} data:bytes", "BlockData") + block.id.tl() + pack_bytes(block.boc)

    def _state(self, query: TlReader, head: int) -> bytes:
        _, block = self._at(query, head)
        data = block.boc if block.id.seqno == 0 else write_boc(block.state)
        tag = _tag(f"liteServer.blockState id:{_ID} root_hash:int256 file_hash:int256 data:bytes", "BlockState")
        return tag + block.id.tl() + block.state_hash + proofs.file_hash(data) + pack_bytes(data)

    def _header(self, query: TlReader, head: int) -> bytes:
        _, block = self._at(query, head)
        return self._pack_header(block, query.uint32())

    @staticmethod
    def _pack_header(block: Block, mode: int) -> bytes:
        tag = _tag(f"liteServer.blockHeader id:{_ID} mode:# header_proof:bytes", "BlockHeader")
        return (
            tag
            + block.id.tl()
            + struct.pack("<I", mode)
            + pack_bytes(write_boc(block.state_proof if mode & 1 else block.header_proof()))
        )

    def _lookup(self, query: TlReader, head: int) -> bytes:
        mode, workchain, _, seqno = query.uint32(), query.int32(), query.int64(), query.int32()
        known = self._chain.heights[: head + 1]
        of = [height.master if workchain == MASTERCHAIN else height.shard for height in known]
        if mode & 7 == 1:
            index = seqno
        elif mode & 7 == 2:
            index = bisect.bisect_left(of, query.int64(), key=lambda block: block.end_lt)
        elif mode & 7 == 4:
            index = bisect.bisect_left(of, query.int32(), key=lambda block: block.gen_utime)
        else:
            raise LiteError(BAD_REQUEST, "exactly one of seqno, lt and utime must be given")
        if not 0 <= index < len(of):
            raise LiteError(NOT_APPLIED, "block is not found")
        return self._pack_header(of[index], mode & ~7)

    def _send(self, query: TlReader, _: int) -> bytes:
        self._chain.submit(read_root(query.blob()))
        return _tag("liteServer.sendMsgStatus status:int", "SendMsgStatus") + struct.pack("<i", 1)

    def _account(self, query: TlReader, head: int) -> bytes:
        height, block = self._at(query, head)
        workchain, address = query.int32(), query.raw(32)
        found = proofs.account(height, block, workchain, address)
        ids = block.id.tl() + found.shard.id.tl()
        parts = (found.shard_proof, found.proof, found.state_boc)
        return _tag(_STATE, "AccountState") + ids + b"".join(map(pack_bytes, parts))

    def _method(self, query: TlReader, head: int) -> bytes:
        mode = query.uint32() & 7
        height, block = self._at(query, head)
        workchain, address = query.int32(), query.raw(32)
        method_id, stack = query.int64(), query.blob()
        found = proofs.account(height, block, workchain, address)
        exit_code, result = _NO_ACCOUNT_EXIT, b""
        account = Account.at((workchain, address), found.shard_account) if found.shard_account else None
        code_and_data = account.code_and_data if account else None
        if account and code_and_data:
            exit_code, result = self._run(account, code_and_data, method_id, stack, height.shard.gen_utime)
        fields = [found.shard_proof, found.proof] if mode & 1 else []
        fields += [found.state_proof] if mode & 2 else []
        head_part = struct.pack("<I", mode) + block.id.tl() + found.shard.id.tl() + b"".join(map(pack_bytes, fields))
        tail = struct.pack("<i", exit_code) + (pack_bytes(result) if mode & 4 else b"")
        return _tag(_METHOD, "RunMethodResult") + head_part + tail

    def _run(
        self, account: Account, contract: proofs.CodeAndData, method_id: int, stack: bytes, utime: int
    ) -> tuple[int, bytes]:
        try:
            result = self._chain.tvm.run_method(
                *contract, raw_address(account.address), method_id, stack, utime=utime, balance=account.balance_nano
            )
        except MessageRefused as error:
            raise LiteError(BAD_REQUEST, f"the method cannot run: {error}") from error
        return result.exit_code, result.stack_boc

    def _shard(self, query: TlReader, head: int) -> bytes:
        height, block = self._at(query, head)
        if query.int32() != BASECHAIN:
            raise LiteError(NOT_FOUND, "no such shard")
        descr = pack_bytes(write_boc(proofs.shard_leaf(height)))
        ids = block.id.tl() + height.shard.id.tl()
        return _tag(_SHARD, "ShardInfo") + ids + pack_bytes(proofs.shard(height)) + descr

    def _shards(self, query: TlReader, head: int) -> bytes:
        height, block = self._at(query, head)
        tag = _tag(f"liteServer.allShardsInfo id:{_ID} proof:bytes data:bytes", "AllShardsInfo")
        return tag + block.id.tl() + pack_bytes(proofs.shard(height)) + pack_bytes(proofs.all_shards(height))

    def _history(self, query: TlReader, head: int) -> bytes:
        count, workchain, address = query.uint32(), query.int32(), query.raw(32)
        lt, wanted_hash = query.int64(), query.raw(32)
        account = self._chain.account((workchain, address))
        first = account.by_lt.get(lt) if account else None
        if account is None or first is None or first.seqno > head:
            raise LiteError(BAD_REQUEST, f"cannot locate a transaction with lt {lt}")
        if first.hash != wanted_hash:
            raise LiteError(BAD_REQUEST, f"transaction hash mismatch: the one with lt {lt} has another")
        page = account.page(first, min(count, MAX_TRANSACTIONS))
        ids = b"".join(self._chain.heights[transaction.seqno].shard.id.tl() for transaction in page)
        tag = _tag(f"liteServer.transactionList ids:vector {_ID} transactions:bytes", "TransactionList")
        body = write_flat([transaction.flat for transaction in page]) if page else b""
        return tag + struct.pack("<I", len(page)) + ids + pack_bytes(body)

    def _proof(self, query: TlReader, head: int) -> bytes:
        mode = query.uint32()
        known, of = self._at(query, head)
        target, to = self._at(query, head) if mode & 1 else (self._chain.heights[head], None)
        if of is known.shard or (to and to is target.shard):
            raise LiteError(BAD_REQUEST, "block proofs lead from a masterchain block to a masterchain block")
        return block_proofs.partial_proof(self._chain.heights, known, target, self._chain.signatures)

    def _shard_proof(self, query: TlReader, head: int) -> bytes:
        height, block = self._at(query, head)
        if block is height.master:
            raise LiteError(BAD_REQUEST, "a masterchain block is not proven by a masterchain block")
        return block_proofs.shard_block_proof(height)

    def _config_all(self, query: TlReader, head: int) -> bytes:
        mode = query.uint32()
        height, block = self._at(query, head)
        return self._pack_config(mode, block, proofs.config(height))

    def _config_params(self, query: TlReader, head: int) -> bytes:
        mode = query.uint32()
        height, block = self._at(query, head)
        params = [query.int32() for _ in range(min(query.uint32(), 1024))]
        return self._pack_config(mode, block, proofs.config(height, params))

    @staticmethod
    def _pack_config(mode: int, block: Block, config_proof: bytes) -> bytes:
        tag = _tag(f"liteServer.configInfo mode:# id:{_ID} state_proof:bytes config_proof:bytes", "ConfigInfo")
        head_part = struct.pack("<I", mode) + block.id.tl()
        return tag + head_part + pack_bytes(write_boc(block.state_proof)) + pack_bytes(config_proof)

    @staticmethod
    def _libraries(_: TlReader, __: int) -> bytes:
        tag = _tag("liteServer.libraryResult result:vector liteServer.libraryEntry", "LibraryResult")
        return tag + struct.pack("<I", 0)
