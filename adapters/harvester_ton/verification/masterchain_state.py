"""The parts of masterchain blocks and states that are read from proofs (block.tlb)."""

from typing import Final

from harvester_ton.cells import Cell
from harvester_ton.slices import Slice
from harvester_ton.verification.blocks import Parts, read_shard
from harvester_ton.verification.refusal import Reason, Refused

_STATE_TAG: Final = 0x9023AFE2
_STATE_EXTRA_TAG: Final = 0xCC26
_BLOCK_EXTRA_TAG: Final = 0x4A33F6FD
_MC_BLOCK_EXTRA_TAG: Final = 0xCCA5


def extra_of_block(block: Parts, what: str) -> Slice:
    """Return the `McBlockExtra` of a masterchain block, placed after its tag. CellError if the proof hides it."""
    extra = Slice(block.extra)
    if extra.uint(32) != _BLOCK_EXTRA_TAG:
        raise Refused(Reason.MALFORMED, f"{what}: not the extra of a block")
    for _ in range(3):
        extra.ref()
    extra.uint(256 + 256)
    custom = extra.maybe_ref()
    data = Slice(custom) if custom else extra
    if custom is None or data.uint(16) != _MC_BLOCK_EXTRA_TAG:
        raise Refused(Reason.MALFORMED, f"{what}: no masterchain part in the block")
    return data


def open_state(state: Cell) -> tuple[Cell, Cell | None]:
    """Return the cell of the accounts and, in a masterchain state, its extra part. CellError if they are not shown."""
    data = Slice(state)
    if data.uint(32) != _STATE_TAG:
        raise Refused(Reason.MALFORMED, "state: another tag than that of a shard state")
    data.uint(32)  # global id
    read_shard(data)
    data.uint(32 + 32 + 32 + 64 + 32)  # seqno, vertical seqno, time, lt, oldest masterchain block
    data.ref()
    data.bit()
    accounts, _totals = data.ref(), data.ref()
    return accounts, data.maybe_ref()


def config_of_state(state: Cell) -> Cell:
    """Return the root of the config of a masterchain state."""
    data = _open_extra(state)
    data.maybe_ref()
    data.uint(256)
    return data.ref()


def shard_hashes(state: Cell) -> Cell | None:
    """Return the root of the shard blocks of a masterchain state (`ShardHashes`)."""
    return _open_extra(state).maybe_ref()


def _open_extra(state: Cell) -> Slice:
    _accounts, extra = open_state(state)
    if extra is None:
        raise Refused(Reason.MALFORMED, "state: it is not a masterchain state")
    data = Slice(extra)
    if data.uint(16) != _STATE_EXTRA_TAG:
        raise Refused(Reason.MALFORMED, "state: another tag than that of a masterchain state")
    return data
