"""The trusted block as it is kept between runs."""

import json
from typing import Any, Protocol

from harvester_ton import tl
from harvester_ton.verification import TrustedBlock
from harvester_ton.verification.blocks import MASTERCHAIN, WHOLE


class Notes(Protocol):
    """The part of `harvester.chain.Ledger` that is needed here."""

    async def recall(self, chain: str, name: str) -> bytes | None:
        """See `Ledger`."""
        ...

    async def remember(self, chain: str, name: str, value: bytes) -> None:
        """See `Ledger`."""
        ...


class Contradiction(Exception):
    """What was proven before does not hold: no fault of a lite server, and not to be tried again."""


def note_name(anchor: TrustedBlock) -> str:
    """Return the name under which the trusted block is stored: another network, or another start, is another note."""
    return f"trusted block from {anchor.block.root_hash.hex()}"


def write_trusted(trusted: TrustedBlock) -> bytes:
    """Return a trusted block as it is stored: JSON."""
    fields = {"block": _fields(trusted.block), "key_block": _fields(trusted.key_block), "gen_utime": trusted.gen_utime}
    return json.dumps(fields).encode()


def read_trusted(stored: bytes) -> TrustedBlock:
    """Return what `write_trusted` wrote. An unreadable note contradicts the chain: somebody has changed it."""
    try:
        fields = json.loads(stored)
        return TrustedBlock(_block(fields["block"]), _block(fields["key_block"]), int(fields["gen_utime"]))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise Contradiction("the stored trusted block cannot be read") from None


def _fields(block: tl.BlockId) -> dict[str, object]:
    return {"seqno": block.seqno, "root_hash": block.root_hash.hex(), "file_hash": block.file_hash.hex()}


def _block(fields: dict[str, Any]) -> tl.BlockId:
    seqno, hashes = int(fields["seqno"]), [bytes.fromhex(fields[name]) for name in ("root_hash", "file_hash")]
    if not 0 <= seqno < 1 << 32 or any(len(each) != 32 for each in hashes):
        raise ValueError("not a block")
    return tl.BlockId(MASTERCHAIN, WHOLE, seqno, *hashes)
