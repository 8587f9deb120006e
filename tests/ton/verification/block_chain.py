"""A short chain of blocks under two committees, and what is asked of proofs along it."""

from typing import Any

import pytest

from harvester_ton.tl import BlockId
from harvester_ton.verification import Reason, Refused, TrustedBlock, start_from, verify_block_proof
from tests.ton.verification.bare import Bare
from tests.ton.verification.committee import Committee, config
from tests.ton.verification.forge import Block, header, master_block
from tests.ton.verification.forged_answers import block_proof, step

OLD, NEW = Committee("old"), Committee("new")
THIEVES = Committee("thieves")

KEY = master_block(header(10, OLD, key=True), config(OLD))
NEXT_KEY = master_block(header(20, OLD, key=True, prev_key=10), config(NEW), last_key=KEY)
PLAIN = master_block(header(15, OLD, prev_key=10), config(OLD))
LAST = master_block(header(30, NEW, prev_key=20), config(NEW))
TRUSTED = start_from(KEY.id)


def refuses(reason: Reason, answer: bytes, target: Block | BlockId = PLAIN, trusted: TrustedBlock = TRUSTED) -> None:
    """The answer must be refused for this reason."""
    with pytest.raises(Refused) as refusal:
        verify_block_proof(trusted, target if isinstance(target, BlockId) else target.id, answer)
    assert refusal.value.reason is reason, str(refusal.value)


def proof_to(end: Block, signatures: bytes, start: Block = KEY, **changes: Any) -> bytes:
    """A proof of one step."""
    target = changes.get("to_id", end.id)
    return block_proof(start.id, target, step(start, end, signatures, **changes))


async def believed(answer: bytes, start: Block, target: Block | BlockId) -> bool:
    """Whether the library believes the answer."""
    block = target if isinstance(target, BlockId) else target.id
    return await Bare(0, start.id, [answer]).believes_block(start.id, block)
