"""The block that an operator trusts to start from: `init_block`, or else the zero state, of TON's global config."""

import base64
import binascii
import json
from typing import Any

from harvester_ton.tl import BlockId
from harvester_ton.verification.blocks import is_masterchain
from harvester_ton.verification.chain import TrustedBlock, start_from


def read_anchor(config: str | bytes) -> TrustedBlock:
    """Return where the chain of trust of a global config starts; ValueError says what is wrong with it.

    The init block must be a key block, as it is in every published config: a proof can only go forward from one.
    """
    try:
        validator = json.loads(config)["validator"]
        block = _read_block(validator.get("init_block") or validator["zero_state"])
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise ValueError("has no block to trust: `validator.init_block` or `validator.zero_state` is needed") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not is_masterchain(block):
        raise ValueError("names a block to trust that is not of the masterchain")
    return start_from(block)


def _read_block(block: dict[str, Any]) -> BlockId:
    shard, seqno = int(block["shard"]) & (1 << 64) - 1, int(block["seqno"])
    if not 0 <= seqno < 1 << 32:
        raise ValueError("names a block to trust with an impossible seqno")
    return BlockId(
        int(block["workchain"]), shard, seqno, _read_hash(block["root_hash"]), _read_hash(block["file_hash"])
    )


def _read_hash(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error:
        found = b""
    if len(found) != 32:
        raise ValueError("names a block to trust by a hash that is not 32 bytes in base64")
    return found
