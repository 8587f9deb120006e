"""Answers of a lite server about a network of our own: honest ones, and whatever is put into them."""

import struct
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from harvester_ton.devnet.boc import write_boc
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.hashmap_aug import HashMap
from harvester_ton.tl import AccountAddress, BlockId, encode_bytes
from tests.ton.verification.committee import CATCHAIN, NOW, Committee
from tests.ton.verification.forge import ACCOUNTS, START_SHARD, Block, merkle_proof, tree_hashes

TRUE, FALSE = bytes.fromhex("b5757299"), bytes.fromhex("379779bc")
Signed = Sequence[tuple[bytes, bytes]]


def header_proof(block: Block) -> bytes:
    """What a node sends as proof of a destination."""
    return write_boc(block.header_proof)


def config_proof(block: Block) -> bytes:
    """What a node sends as proof of a config: here the whole of the block, or of the zero state."""
    return full_proof(block.root)


def full_proof(root: Cell) -> bytes:
    """A Merkle proof that prunes nothing."""
    return write_boc(merkle_proof(root, tree_hashes(root)))


def ordinary(signatures: Signed, set_hash: int, catchain: int = CATCHAIN) -> bytes:
    """`liteServer.signatureSet`."""
    head = bytes.fromhex("e6a644f6") + struct.pack("<III", set_hash, catchain, len(signatures))
    return head + b"".join(node + encode_bytes(signature) for node, signature in signatures)


def simplex(committee: Committee, block: BlockId, named: BlockId | None = None, *signers: int) -> bytes:
    """`liteServer.signatureSet.simplex`: final votes for `block`, with a candidate that names `named`."""
    candidate = bytes.fromhex("dcbcf9e8") + (named or block).to_bytes() + bytes(32) + bytes.fromhex("a9cccb22")
    vote = bytes.fromhex("05e1a7403fcd91b6") + struct.pack("<I", 5) + sha256(candidate).digest()
    signed = committee.sign_bytes(bytes.fromhex("f83de3a8") + b"\x77" * 32 + encode_bytes(vote), *signers)
    head = bytes.fromhex("009824ac") + struct.pack("<III", CATCHAIN, committee.set_hash(), len(signed))
    listed = b"".join(node + encode_bytes(signature) for node, signature in signed)
    return head + listed + b"\x77" * 32 + struct.pack("<I", 5) + encode_bytes(candidate)


def step(start: Block, end: Block, signatures: bytes, **changes: Any) -> bytes:
    """`liteServer.blockLinkForward`; `changes` replace ids, flag or proofs."""
    from_id: BlockId = changes.get("from_id", start.id)
    to_id: BlockId = changes.get("to_id", end.id)
    flag = TRUE if changes.get("to_key_block", end.key) else FALSE
    proofs = changes.get("dest_proof", header_proof(end)), changes.get("config_proof", config_proof(start))
    ids = from_id.to_bytes() + to_id.to_bytes()
    return bytes.fromhex("1cce0f52") + flag + ids + b"".join(map(encode_bytes, proofs)) + signatures


def signed_step(committee: Committee, start: Block, end: Block, **changes: Any) -> bytes:
    """An honest step, signed by all of a committee."""
    return step(start, end, ordinary(committee.sign(end.id), committee.set_hash()), **changes)


def step_back(start: Block, end: Block) -> bytes:
    """`liteServer.blockLinkBack` with proofs that are all honest enough for the library."""
    ids = start.id.to_bytes() + end.id.to_bytes()
    proofs = (header_proof(end), header_proof(start), full_proof(start.state))
    return bytes.fromhex("ef1b7eef") + (TRUE if end.key else FALSE) + ids + b"".join(map(encode_bytes, proofs))


def block_proof(start: BlockId, end: BlockId, *steps: bytes, complete: bool = True) -> bytes:
    """`liteServer.partialBlockProof`."""
    head = bytes.fromhex("c1d2d08e") + (TRUE if complete else FALSE) + start.to_bytes() + end.to_bytes()
    return head + struct.pack("<I", len(steps)) + b"".join(steps)


def state_proof(block: Block, *, header_: Cell | None = None, state: Cell | None = None) -> bytes:
    """The two proofs that show the state after a block."""
    shown = state or block.state
    return write_boc([header_ or block.header_proof, merkle_proof(shown, tree_hashes(shown))])


def account_answer(master: Block, shard: Block, account: Cell | None, **changes: Any) -> bytes:
    """`liteServer.accountState`."""
    parts: dict[str, Any] = {
        "shard_proof": b"" if shard is master else state_proof(master),
        "proof": state_proof(shard),
        "state": write_boc(account) if account else b"",
    } | changes
    block: BlockId = parts.pop("block", master.id)
    shard_id: BlockId = parts.pop("shard_block", shard.id)
    return (
        bytes.fromhex("51c77970") + block.to_bytes() + shard_id.to_bytes() + b"".join(map(encode_bytes, parts.values()))
    )


def account_cell(
    address: AccountAddress,
    balance_nano: int,
    code: Cell | None = None,
    data: Cell | None = None,
    extra_currencies: Cell | None = None,
) -> Cell:
    """`account$1`, active if it has code."""
    builder = Builder().uint(1, 1).address((address.workchain, address.hash_part))
    builder.uint(0, 3 + 3 + 3).uint(NOW, 32).uint(0, 1).uint(5, 64).coins(balance_nano).maybe_ref(extra_currencies)
    if code is None:
        return builder.uint(0, 2).end()
    return builder.uint(1, 1).uint(0, 2).maybe_ref(code).maybe_ref(data).uint(0, 1).end()


def accounts(*entries: tuple[AccountAddress, Cell, int, bytes]) -> HashMap:
    """`ShardAccounts` of address, account, last lt and last hash."""
    found = HashMap(256, ACCOUNTS)
    for address, account, last_lt, last_hash in entries:
        entry = Builder().ref(account).raw(last_hash).uint(last_lt, 64)
        found = found.set(int.from_bytes(address.hash_part), entry, 0)
    return found


def transaction(address: AccountAddress, lt: int, before: tuple[int, bytes] = (0, bytes(32)), **parts: Any) -> Cell:
    """A transaction whose in-message has `body`."""
    body = parts.get("body", Builder().uint(0, 32).end())
    message = Builder().uint(0b0110, 4).address((0, b"\xbb" * 32)).address((address.workchain, address.hash_part))
    message.coins(50_000_000).uint(0, 1 + 4 + 4).uint(lt - 1, 64).uint(NOW, 32).uint(0, 1).uint(1, 1).ref(body)
    messages = Builder().uint(1, 1).uint(0, 1).ref(message.end()).end()
    builder = Builder().uint(7, 4).raw(address.hash_part).uint(lt, 64).raw(before[1]).uint(before[0], 64)
    builder.uint(NOW, 32).uint(0, 15 + 4).ref(messages).coins(0).uint(0, 1)
    update = Builder().uint(0x72, 8).uint(0, 512).end()
    description = Builder().uint(0, 4 + 1 + 1 + 1).uint(0b010, 3 + 1).uint(0, 3).end()
    return builder.ref(update).ref(description).end()


def history(address: AccountAddress, count: int) -> list[Cell]:
    """Linked transactions, newest first."""
    found: list[Cell] = []
    before = (0, bytes(32))
    for number in range(1, count + 1):
        found.append(transaction(address, number * 10, before))
        before = (number * 10, found[-1].hash)
    return found[::-1]


def transactions_answer(roots: Sequence[Cell], block: BlockId | None = None, data: bytes | None = None) -> bytes:
    """`liteServer.transactionList`."""
    ids = (block or START_SHARD.id).to_bytes() * len(roots)
    bag = write_boc(roots) if data is None and roots else data or b""
    return bytes.fromhex("0bc6266f") + struct.pack("<I", len(roots)) + ids + encode_bytes(bag)
