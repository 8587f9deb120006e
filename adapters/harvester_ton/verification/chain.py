"""From a trusted masterchain block to a later one.

The chain of trust goes from key block to key block: only those carry the validator set that signs what follows. A
proof therefore always starts at the newest proven key block and goes forward. A link back is honest on its own, and
yet leads to a set that was in force once and whose keys may be anybody's today: it is never followed.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from harvester_ton.cells import Cell
from harvester_ton.tl import BlockId
from harvester_ton.verification.answers import BlockProof, ForwardStep, read_block_proof
from harvester_ton.verification.blocks import Header, is_masterchain, read_header, shown_tree
from harvester_ton.verification.limits import MAX_HEADER_CELLS, read_root
from harvester_ton.verification.masterchain_state import config_of_state, extra_of_block
from harvester_ton.verification.refusal import Reason, Refused, reading
from harvester_ton.verification.signatures import check_signatures
from harvester_ton.verification.validators import Validator, masterchain_validators, validator_set_hash

MAX_STEPS_AT_ONCE: Final = 6
"""One step on the main network, with 100 signatures and 400 validators, takes about 10 ms."""


@dataclass(frozen=True, slots=True)
class TrustedBlock:
    """A proven masterchain block, with all that is needed to go on from it: what is stored."""

    block: BlockId
    key_block: BlockId
    """The newest key block up to `block` (itself, if it is one): ask for the next block proof from here."""
    gen_utime: int
    """When `block` was made, Unix seconds; 0 for a start that was only named."""


@dataclass(frozen=True, slots=True)
class Proven:
    """What a block proof proves."""

    blocks: tuple[TrustedBlock, ...]
    """In rising order, none before the block trusted so far: each may be stored in its place."""
    complete: bool
    """The last one is the target; else ask again from its key block."""


def start_from(block: BlockId) -> TrustedBlock:
    """Trust a block that the operator names (`init_block` or zero state of the network config)."""
    if not is_masterchain(block):
        raise Refused(Reason.OTHER_QUESTION, "the block to start from is not of the masterchain")
    return TrustedBlock(block, block, 0)


def verify_block_proof(trusted: TrustedBlock, target: BlockId, answer: bytes) -> Proven:
    """Return the blocks that the answer to `getBlockProof` from `trusted.key_block` to `target` proves.

    Rules: at least one step, each from where the last one ended and forward; the chain ends at the target, or before
    it at a key block; nothing proven before is contradicted. Steps past MAX_STEPS_AT_ONCE are left for the next
    answer. Source: `BlockProofChain::validate` in crypto/block/check-proof.cpp.
    """
    proof = read_block_proof(answer)
    _check_question(proof, trusted, target)
    blocks: list[TrustedBlock] = []
    last = trusted
    for step in proof.steps[:MAX_STEPS_AT_ONCE]:
        last = verify_step(last, step)
        _check_no_fork(trusted, last)
        blocks.append(last)
    if last.block != target and (last.block != last.key_block or last.block.seqno >= target.seqno):
        raise Refused(Reason.BROKEN_CHAIN, "block proof: it breaks off where it cannot go on")
    return Proven(tuple(blocks), last.block == target)


def _check_question(proof: BlockProof, trusted: TrustedBlock, target: BlockId) -> None:
    if not is_masterchain(target) or target.seqno <= trusted.key_block.seqno or target.seqno < trusted.block.seqno:
        raise Refused(Reason.BACKWARD, f"block proof: target {target.seqno} lies behind {trusted.block.seqno}")
    if proof.from_ != trusted.key_block or (proof.complete and proof.to != target):
        raise Refused(Reason.OTHER_QUESTION, "block proof: of other blocks than was asked for")
    if not proof.steps:
        raise Refused(Reason.NO_STEPS, "block proof: without steps")


def _check_no_fork(before: TrustedBlock, after: TrustedBlock) -> None:
    """Refuse a proven block that cannot be in one chain with the block that was trusted before."""
    same_height = after.block.seqno == before.block.seqno and after.block != before.block
    new_key_block = after.key_block != before.key_block and after.key_block.seqno <= before.block.seqno
    if same_height or (new_key_block and before.block != before.key_block):
        raise Refused(
            Reason.CONTRADICTION,
            f"block proof: block {after.block.seqno} is signed, and contradicts proven block {before.block.seqno}",
        )


def verify_step(trusted: TrustedBlock, step: ForwardStep) -> TrustedBlock:
    """Return the block to which one step leads from `trusted.key_block`; takes a few milliseconds.

    Rules: the config is proven from the key block's own root hash; the header of the destination is proven, and says
    that it comes after this key block; the validator set is the one the header names; enough of it signed. Source:
    `BlockProofLink::validate` in crypto/block/check-proof.cpp.
    """
    start, end = trusted.key_block, step.to
    if step.from_ != start:
        raise Refused(
            Reason.BROKEN_CHAIN, f"block proof: a step from {step.from_.seqno} where {start.seqno} was reached"
        )
    if not is_masterchain(end) or end.seqno <= start.seqno:
        raise Refused(Reason.BACKWARD, f"block proof: a step from {start.seqno} to {end.seqno}")
    header = _destination(step)
    if header.prev_key_block_seqno != start.seqno:
        raise Refused(Reason.VALIDATORS, f"block {end.seqno}: its key block is {header.prev_key_block_seqno}")
    check_signatures(step.signatures, end, _validators(step, header))
    return TrustedBlock(end, end if header.key_block else start, header.gen_utime)


def _destination(step: ForwardStep) -> Header:
    """Return the proven header of where a step leads: its own seqno, key block flag and previous block."""
    what = f"header of block {step.to.seqno}"
    header = read_header(read_root(step.dest_proof, what, MAX_HEADER_CELLS), step.to, what)
    if header.key_block != step.to_key_block or header.prev_seqno != step.to.seqno - 1:
        raise Refused(Reason.HEADER, f"{what}: it is not the block that the step describes")
    return header


def _validators(step: ForwardStep, header: Header) -> tuple[Validator, ...]:
    """Return the set that must sign: named alike by the config, the header and the signature set."""
    members, set_hash = _set_of(step.config_proof, step.from_, header.catchain_seqno)
    named = (header.validator_list_hash, header.catchain_seqno)
    signed = (step.signatures.validator_set_hash, step.signatures.catchain_seqno)
    if named != (set_hash, header.catchain_seqno) or signed != named:
        raise Refused(
            Reason.VALIDATORS, f"block {step.to.seqno}: signed by another validator set than its config names"
        )
    return members


@lru_cache(maxsize=2)
def _set_of(config_proof: bytes, block: BlockId, catchain_seqno: int) -> tuple[tuple[Validator, ...], int]:
    """Return the validator set that the config of a key block names, and its hash.

    Kept, because every block up to the next key block comes with the same bytes: reading them is half of the work.
    """
    what = f"config of block {block.seqno}"
    with reading(what):
        config = _config(read_root(config_proof, what), block, what)
        members = masterchain_validators(config, catchain_seqno)
    return members, validator_set_hash(members, catchain_seqno)


def _config(proof: Cell, block: BlockId, what: str) -> Cell:
    """Return the config in force after a key block, or after the zero state (seqno 0, whose id names the state)."""
    if block.seqno:
        return _config_of_key_block(read_header(proof, block, what), what)
    state = shown_tree(proof, what)
    if state.hash_at(0) != block.root_hash:
        raise Refused(Reason.UNPROVEN, f"{what}: a proof of another zero state")
    return config_of_state(state)


def _config_of_key_block(header: Header, what: str) -> Cell:
    """Read `McBlockExtra` up to the config that it has in a key block."""
    if not header.key_block:
        raise Refused(Reason.NOT_KEY_BLOCK, f"{what}: only a key block has one")
    data = extra_of_block(header.parts, what)
    if not data.bit():
        raise Refused(Reason.MALFORMED, f"{what}: a key block without a config")
    data.maybe_ref()  # shard hashes
    data.maybe_ref()  # shard fees, and their sum: two currency collections
    for _ in range(2):
        data.coins()
        data.maybe_ref()
    data.ref()
    data.uint(256)  # address of the config contract
    return data.ref()
