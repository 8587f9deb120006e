"""Answers about single blocks and transactions, which the daemon does not need but auditors meet in recorded sessions.

They prove what they say of a block by that block's hash; whether the block is one of the chain is another question.
"""

from typing import Final

from harvester_ton.cells import Cell
from harvester_ton.slices import Slice
from harvester_ton.tl import AccountAddress, BlockId
from harvester_ton.transaction import read_head
from harvester_ton.verification.blocks import Header, read_header, read_parts
from harvester_ton.verification.limits import MAX_STATE_CELLS, read_root
from harvester_ton.verification.lookup import find, find_inline
from harvester_ton.verification.refusal import Reason, Refused, reading
from harvester_ton.verification.shards import hashes_of_block, shard_of
from harvester_ton.verification.tl_values import Values

MAX_LINKS: Final = 16

_BLOCK_HEADER: Final = bytes.fromhex("19822d75")
_SHARD_BLOCK_PROOF: Final = bytes.fromhex("7aa0621d")
_TRANSACTION_INFO: Final = bytes.fromhex("47edde0e")
_BLOCK_EXTRA_TAG: Final = 0x4A33F6FD
_ACCOUNT_BLOCK_TAG: Final = 5


def verify_block_header(block: BlockId, answer: bytes) -> Header:
    """Return the header of `block` from the answer to `getBlockHeader`.

    Rules: those of `read_header`. Source: `LiteQuery::continue_getBlockHeader` in validator/impl/liteserver.cpp.
    """
    what = "block header"
    values = Values(answer, what)
    values.expect(_BLOCK_HEADER)
    said, _mode, proof = values.block_id(), values.uint32(), values.byte_string()
    values.end()
    if said != block:
        raise Refused(Reason.OTHER_QUESTION, f"{what}: that of another block than was asked for")
    return read_header(read_root(proof, what), block, what)


def verify_shard_block_proof(block: BlockId, answer: bytes) -> BlockId:
    """Return the masterchain block from which the answer to `getShardBlockProof` proves the shard block `block`.

    Rules: the first link is a block that the masterchain block names among its shards; each further one is a block
    that the one before names as previous, in the same workchain; the last is `block`. Source:
    `perform_getShardBlockProof` in validator/impl/liteserver.cpp.
    """
    what = "shard block proof"
    values = Values(answer, what)
    values.expect(_SHARD_BLOCK_PROOF)
    masterchain_block = current = values.block_id()
    links = values.vector(MAX_LINKS, lambda link: (link.block_id(), link.byte_string()))
    values.end()
    for place, (named, proof) in enumerate(links):
        root = read_root(proof, what)
        with reading(what):
            if not (_names_shard if place == 0 else _names_previous)(root, current, named, what):
                raise Refused(Reason.UNPROVEN, f"{what}: block {named.seqno} is not named by block {current.seqno}")
        current = named
    if current != block:
        raise Refused(Reason.OTHER_QUESTION, f"{what}: it leads to another block than was asked for")
    return masterchain_block


def _names_shard(proof: Cell, masterchain_block: BlockId, named: BlockId, what: str) -> bool:
    return shard_of(hashes_of_block(proof, masterchain_block, what), named.workchain, named.shard) == named


def _names_previous(proof: Cell, current: BlockId, named: BlockId, what: str) -> bool:
    previous = read_header(proof, current, what).previous
    return named.workchain == current.workchain and any(
        (each.seqno, each.root_hash, each.file_hash) == (named.seqno, named.root_hash, named.file_hash)
        for each in previous
    )


def verify_one_transaction(block: BlockId, account: AccountAddress, lt: int, answer: bytes) -> bytes:
    """Return the hash of the transaction at `lt` of `account` in `block`, from the answer to `getOneTransaction`.

    Rules: the block's own list of accounts and transactions names it by hash, and it hides nothing. Source:
    `TransactionInfo::validate` and `check_block_transaction_proof` in crypto/block/check-proof.cpp.
    """
    what = "transaction"
    values = Values(answer, what)
    values.expect(_TRANSACTION_INFO)
    said, proof, data = values.block_id(), values.byte_string(), values.byte_string()
    values.end()
    if said != block:
        raise Refused(Reason.OTHER_QUESTION, f"{what}: from another block than was asked for")
    root = read_root(data, what, MAX_STATE_CELLS)
    with reading(what):
        named = _named_transaction(read_root(proof, what), block, account, lt)
        if root.level_mask or named is None or root.hash != named.hash_at(0):
            raise Refused(Reason.UNPROVEN, f"{what}: not the one that block {block.seqno} names")
        return read_head(root, account.raw).hash


def _named_transaction(proof: Cell, block: BlockId, account: AccountAddress, lt: int) -> Cell | None:
    extra = Slice(read_parts(proof, block, "transaction").extra)
    if extra.uint(32) != _BLOCK_EXTRA_TAG:
        raise Refused(Reason.MALFORMED, "transaction: not the extra of a block")
    extra.ref()
    extra.ref()
    accounts = Slice(extra.ref()).maybe_ref()
    leaf = find(accounts, int.from_bytes(account.hash_part), 256)
    if leaf is None:
        return None
    _skip_currencies(leaf)
    if leaf.uint(4) != _ACCOUNT_BLOCK_TAG or leaf.bytes_(32) != account.hash_part:
        raise Refused(Reason.MALFORMED, "transaction: not the account's part of the block")
    transaction = find_inline(leaf, lt, 64)
    if transaction is None:
        return None
    _skip_currencies(transaction)
    return transaction.ref()


def _skip_currencies(data: Slice) -> None:
    data.coins()
    data.maybe_ref()
