"""The network config that trusts a local chain."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from harvester_ton.devnet.blocks import BlockId
from harvester_ton.devnet.chain import Chain
from harvester_ton.devnet.server import LiteServer


def network_config(servers: Sequence[LiteServer], chain: Chain) -> dict[str, Any]:
    """In the form of TON's global config. The init block is block 1, a key block; the zero state is before it."""
    return {
        "@type": "config.global",
        "liteservers": [server.config_entry() for server in servers],
        "validator": {
            "@type": "validator.config.global",
            "zero_state": _id(chain.heights[0].master.id),
            "init_block": _id(chain.heights[1].master.id),
        },
    }


def _id(block: BlockId) -> dict[str, Any]:
    encode = base64.b64encode
    return {
        "workchain": block.workchain,
        "shard": block.shard,
        "seqno": block.seqno,
        "root_hash": encode(block.root_hash).decode(),
        "file_hash": encode(block.file_hash).decode(),
    }
