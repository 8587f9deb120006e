"""The adapter contract: what a chain does for the core, what the core does for a chain, and the data that crosses.

An adapter is a package of its own, found by entry point (group `harvester.adapters`) and never imported by the core.
`tests/contract/` is this contract as tests; every adapter runs them.
"""

from harvester.chain.adapter import Adapter, ClaimingAdapter, Finding, Health, PayerKey, Sealer, SealingAdapter
from harvester.chain.ledger import MAX_BATCH_TRANSFERS, Account, Batch, Destination, Ledger, Position
from harvester.chain.loops import UNHEARD, Clock, Pulse, Watched, unwatched
from harvester.chain.plugin import AdapterContext, AdapterPlugin, CommandContext, choose_plugin, load_plugins

__all__ = [
    "MAX_BATCH_TRANSFERS",
    "UNHEARD",
    "Account",
    "Adapter",
    "AdapterContext",
    "AdapterPlugin",
    "Batch",
    "ClaimingAdapter",
    "Clock",
    "CommandContext",
    "Destination",
    "Finding",
    "Health",
    "Ledger",
    "PayerKey",
    "Position",
    "Pulse",
    "Sealer",
    "SealingAdapter",
    "Watched",
    "choose_plugin",
    "load_plugins",
    "unwatched",
]
