"""One step of the chain."""

from __future__ import annotations

from dataclasses import dataclass

from harvester_ton.devnet.accounts import Transaction
from harvester_ton.devnet.blocks import Block
from harvester_ton.devnet.hashmap_aug import HashMap
from harvester_ton.devnet.validators import ValidatorSet


@dataclass(eq=False)
class Height:
    """A masterchain block, the shard block it names, the validators that sign it, and the accounts after it.

    Accounts and old blocks are None once the height is too old for its states to be kept.
    """

    master: Block
    shard: Block
    validators: ValidatorSet
    prev_key_seqno: int
    accounts: HashMap | None
    old_blocks: HashMap | None
    transactions: list[Transaction]
    shard_proof: bytes | None = None  # the two proofs are made when first asked for
    key_proof: bytes | None = None
