"""Proving what a lite server says: bytes in, facts or one typed refusal out. No network, no clock, nothing believed.

The way from trust to money, each step proven from the one before:

    block that the operator trusts      anchor.read_anchor
    └─ later masterchain blocks         chain.verify_block_proof      (stored: TrustedBlock)
       ├─ shard block, account state    accounts.verify_account_state (also that there is no account)
       │  └─ transactions               history.verify_transactions, history.newer_than
       ├─ config                        config.verify_config, config.verify_whole_config
       └─ libraries                     config.verify_libraries       (the hash is the proof)

Every function raises `Refused`, and nothing else, for whatever bytes it is given: within 100 ms and 50 MB for one
answer, without recursion. `docs/threat-model.md` says what is defended against and why it is done this way; tests name
the hole in other implementations that each rule closes.
"""

from harvester_ton.verification.accounts import AccountState, Content, Status, verify_account_state
from harvester_ton.verification.anchor import read_anchor
from harvester_ton.verification.chain import Proven, TrustedBlock, start_from, verify_block_proof
from harvester_ton.verification.config import libraries_of, verify_config, verify_libraries, verify_whole_config
from harvester_ton.verification.history import (
    BEGINNING,
    Newer,
    Page,
    Position,
    ProvenTransaction,
    newer_than,
    verify_transactions,
)
from harvester_ton.verification.refusal import Reason, Refused
from harvester_ton.verification.shards import verify_all_shards, verify_shard

__all__ = [
    "BEGINNING",
    "AccountState",
    "Content",
    "Newer",
    "Page",
    "Position",
    "Proven",
    "ProvenTransaction",
    "Reason",
    "Refused",
    "Status",
    "TrustedBlock",
    "libraries_of",
    "newer_than",
    "read_anchor",
    "start_from",
    "verify_account_state",
    "verify_all_shards",
    "verify_block_proof",
    "verify_config",
    "verify_libraries",
    "verify_shard",
    "verify_transactions",
    "verify_whole_config",
]
