"""A network of our own, true to the formats, from which any lie can be made: keys, blocks, states, proofs, answers.

Built on the cells of the local chain, which check nothing, so that forged exotic cells can be made too.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from nacl.signing import SigningKey

from harvester_ton.devnet.boc import pruned_branch, write_boc
from harvester_ton.devnet.cells import MERKLE_PROOF, MERKLE_UPDATE, Builder, Cell
from harvester_ton.devnet.hashmap_aug import Augmentation, HashMap
from harvester_ton.tl import AccountAddress, BlockId, encode_bytes
from harvester_ton.verification.validators import Validator, validator_set_hash

NOW: Final = 1_795_300_000
CATCHAIN: Final = 7
TRUE, FALSE = bytes.fromhex("b5757299"), bytes.fromhex("379779bc")
Signed = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Committee:
    """Validators with their keys, in the order of the config."""

    name: str
    weights: tuple[int, ...] = (1, 1, 1)

    def key(self, index: int) -> SigningKey:
        """The signing key of one of them."""
        return SigningKey(sha256(f"{self.name} {index}".encode()).digest())

    def members(self) -> tuple[Validator, ...]:
        """Them as the verifier sees them."""
        keys = [bytes(self.key(index).verify_key) for index in range(len(self.weights))]
        return tuple(Validator(key, weight, bytes(32)) for key, weight in zip(keys, self.weights, strict=True))

    def set_hash(self) -> int:
        """How block headers name the set."""
        return validator_set_hash(self.members(), CATCHAIN)

    def param(self, main: int | None = None) -> Cell:
        """`validators_ext#12`."""
        entries = HashMap(16)
        for index, member in enumerate(self.members()):
            entry = Builder().uint(0x53, 8).uint(0x8E81278A, 32).raw(member.public_key).uint(member.weight, 64)
            entries = entries.set(index, entry)
        total = len(self.weights)
        builder = Builder().uint(0x12, 8).uint(0, 32).uint(NOW * 2, 32).uint(total, 16).uint(main or total, 16)
        return entries.store_e(builder.uint(sum(self.weights), 64)).end()

    def sign(self, block: BlockId, *signers: int) -> list[tuple[bytes, bytes]]:
        """Ordinary signatures, of all or of the given ones."""
        return self.sign_bytes(bytes.fromhex("706e0bc5") + block.root_hash + block.file_hash, *signers)

    def sign_bytes(self, message: bytes, *signers: int) -> list[tuple[bytes, bytes]]:
        """Signatures of anything."""
        chosen = signers or range(len(self.weights))
        return [(self.members()[index].node_id, self.key(index).sign(message).signature) for index in chosen]


def config(committee: Committee, params: dict[int, Cell] | None = None) -> Cell:
    """A config with a validator set, and whatever else is given."""
    catchain = Builder().uint(0xC2, 8).uint(0, 8).uint(1, 32).uint(1, 32).uint(1, 32).uint(1, 32).end()
    entries = HashMap(32)
    for number, value in ({28: catchain, 34: committee.param()} | (params or {})).items():
        entries = entries.set(number, Builder().ref(value))
    return some(entries.root)


def some(cell: Cell | None) -> Cell:
    """The cell, which is there."""
    if cell is None:
        raise AssertionError("an empty dictionary")
    return cell


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
        found.add(cell.hash)
        todo += cell.refs
    return found


def merkle_proof(root: Cell, keep: set[bytes]) -> Cell:
    """The Merkle proof that keeps the cells with these hashes and prunes the others."""
    data = bytes((MERKLE_PROOF,)) + root.level_hash(0) + root.level_depth(0).to_bytes(2)
    return Cell(data, 8 * len(data), (_pruned(root, keep, 0),), MERKLE_PROOF)


def _pruned(cell: Cell, keep: set[bytes], depth: int) -> Cell:
    if cell.hash not in keep:
        return pruned_branch(cell, depth)
    below = depth + (cell.kind in (MERKLE_PROOF, MERKLE_UPDATE))
    return Cell(cell.data, cell.bits, [_pruned(ref, keep, below) for ref in cell.refs], cell.kind)


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


def our_id(block: Block) -> BlockId:
    """The block's id."""
    return block.id


def zero_state(committee: Committee) -> Block:
    """A masterchain zero state."""
    made = header(0, committee)
    state = masterchain_state(made, config(committee), None)
    return Block(named(made, state), state, state)


START_SHARD: Final = shard_block(1, HashMap(256, ACCOUNTS))


# Proofs and answers


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
    ids = changes.get("from_id", our_id(start)).to_bytes() + changes.get("to_id", our_id(end)).to_bytes()
    flag = TRUE if changes.get("to_key_block", end.key) else FALSE
    proofs = changes.get("dest_proof", header_proof(end)), changes.get("config_proof", config_proof(start))
    return bytes.fromhex("1cce0f52") + flag + ids + b"".join(map(encode_bytes, proofs)) + signatures


def signed_step(committee: Committee, start: Block, end: Block, **changes: Any) -> bytes:
    """An honest step, signed by all of a committee."""
    return step(start, end, ordinary(committee.sign(our_id(end)), committee.set_hash()), **changes)


def step_back(start: Block, end: Block) -> bytes:
    """`liteServer.blockLinkBack` with proofs that are all honest enough for the library."""
    ids = our_id(start).to_bytes() + our_id(end).to_bytes()
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
    parts = {
        "shard_proof": b"" if shard is master else state_proof(master),
        "proof": state_proof(shard),
        "state": write_boc(account) if account else b"",
    } | changes
    ids = parts.pop("block", our_id(master)).to_bytes() + parts.pop("shard_block", our_id(shard)).to_bytes()
    return bytes.fromhex("51c77970") + ids + b"".join(map(encode_bytes, parts.values()))


# Accounts and transactions


def account_cell(
    address: AccountAddress, balance_nano: int, code: Cell | None = None, data: Cell | None = None
) -> Cell:
    """`account$1`, active if it has code."""
    builder = Builder().uint(1, 1).address((address.workchain, address.hash_part))
    builder.uint(0, 3 + 3 + 3).uint(NOW, 32).uint(0, 1).uint(5, 64).coins(balance_nano).uint(0, 1)
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
    ids = (block or our_id(START_SHARD)).to_bytes() * len(roots)
    bag = write_boc(roots) if data is None and roots else data or b""
    return bytes.fromhex("0bc6266f") + struct.pack("<I", len(roots)) + ids + encode_bytes(bag)
