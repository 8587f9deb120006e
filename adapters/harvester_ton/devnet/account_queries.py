"""Queries about accounts: state, get-methods, history, and messages to them."""

from __future__ import annotations

import struct
from typing import Final

from harvester_ton.devnet import proofs
from harvester_ton.devnet.accounts import Account, raw_address
from harvester_ton.devnet.boc import read_root, write_flat
from harvester_ton.devnet.lite_view import BAD_REQUEST, ID, Handler, LiteError, LiteView, tag
from harvester_ton.devnet.tl import TlReader, pack_bytes
from harvester_ton.devnet.tvm import MessageRefused

MAX_TRANSACTIONS = 16
_NO_ACCOUNT_EXIT: Final = -0x100
_ACCOUNT: Final = "account:liteServer.accountId"


def _send(view: LiteView, query: TlReader) -> bytes:
    view.chain.submit(read_root(query.blob()))
    return tag("sendMsgStatus status:int = SendMsgStatus") + struct.pack("<i", 1)


def _state(view: LiteView, query: TlReader) -> bytes:
    height, block = view.named(query)
    found = proofs.account(height, block, query.int32(), query.raw(32))
    head = tag(f"accountState id:{ID} shardblk:{ID} shard_proof:bytes proof:bytes state:bytes = AccountState")
    parts = (found.shard_proof, found.proof, found.state_boc)
    return head + block.id.tl() + found.shard.id.tl() + b"".join(map(pack_bytes, parts))


def _method(view: LiteView, query: TlReader) -> bytes:
    mode = query.uint32() & 7
    height, block = view.named(query)
    address = query.int32(), query.raw(32)
    method_id, stack = query.int64(), query.blob()
    found = proofs.account(height, block, *address)
    exit_code, result = _NO_ACCOUNT_EXIT, b""
    if found.shard_account:
        account = Account.at(address, found.shard_account)
        exit_code, result = _run(view, account, method_id, stack, height.shard.gen_utime)
    head = tag(
        f"runMethodResult mode:# id:{ID} shardblk:{ID} shard_proof:mode.0?bytes proof:mode.0?bytes "
        "state_proof:mode.1?bytes init_c7:mode.3?bytes lib_extras:mode.4?bytes exit_code:int result:mode.2?bytes"
        " = RunMethodResult"
    )
    shown = [found.shard_proof, found.proof] if mode & 1 else []
    shown += [found.state_proof] if mode & 2 else []
    ids = struct.pack("<I", mode) + block.id.tl() + found.shard.id.tl()
    end = struct.pack("<i", exit_code) + (pack_bytes(result) if mode & 4 else b"")
    return head + ids + b"".join(map(pack_bytes, shown)) + end


def _run(view: LiteView, account: Account, method_id: int, stack: bytes, utime: int) -> tuple[int, bytes]:
    contract = account.code_and_data
    if contract is None:
        return _NO_ACCOUNT_EXIT, b""
    name, balance = raw_address(account.address), account.balance_nano
    try:
        result = view.chain.tvm.run_method(*contract, name, method_id, stack, utime=utime, balance=balance)
    except MessageRefused as error:
        raise LiteError(BAD_REQUEST, f"the method cannot run: {error}") from error
    return result.exit_code, result.stack_boc


def _history(view: LiteView, query: TlReader) -> bytes:
    count, address = query.uint32(), (query.int32(), query.raw(32))
    lt, wanted_hash = query.int64(), query.raw(32)
    account = view.chain.account(address)
    first = account.by_lt.get(lt) if account else None
    if account is None or first is None or first.seqno > view.head:
        raise LiteError(BAD_REQUEST, f"cannot locate a transaction with lt {lt}")
    if first.hash != wanted_hash:
        raise LiteError(BAD_REQUEST, f"transaction hash mismatch: the one with lt {lt} has another")
    page = account.page(first, min(count, MAX_TRANSACTIONS))
    ids = b"".join(view.chain.heights[transaction.seqno].shard.id.tl() for transaction in page)
    body = write_flat([transaction.flat for transaction in page]) if page else b""
    head = tag(f"transactionList ids:vector {ID} transactions:bytes = TransactionList")
    return head + struct.pack("<I", len(page)) + ids + pack_bytes(body)


def _libraries(_: LiteView, __: TlReader) -> bytes:
    """There are none: an empty list."""
    return tag("libraryResult result:vector liteServer.libraryEntry = LibraryResult") + struct.pack("<I", 0)


ACCOUNT_QUERIES: Final[dict[str, Handler]] = {
    "sendMessage body:bytes = SendMsgStatus": _send,
    f"getAccountState id:{ID} {_ACCOUNT} = AccountState": _state,
    f"runSmcMethod mode:# id:{ID} {_ACCOUNT} method_id:long params:bytes = RunMethodResult": _method,
    f"getTransactions count:# {_ACCOUNT} lt:long hash:int256 = TransactionList": _history,
    "getLibraries library_list:vector int256 = LibraryResult": _libraries,
}
