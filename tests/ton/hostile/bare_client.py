"""The unmodified client library before the hostile server."""

import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pytoniq import LiteClient

from harvester_ton.devnet.accounts import Address, raw_address
from harvester_ton.devnet.local import LocalTon
from tests.ton.hostile.lies import Lie, id_of
from tests.ton.hostile.worlds import FORTUNE, hostile, make_hostile, merchant
from tests.ton.verification.bare import their_id

ALL_PROOFS, SOME_PROOFS, NO_PROOFS = 0, 1, 2
"""The library's trust levels."""
TIMEOUT_SECS = 5


def client(ton: LocalTon, trust_level: int, init: int = 1) -> LiteClient:
    """The library's client, not connected yet; block `init` is the one that it trusts."""
    server = hostile(ton)
    key, block = base64.b64encode(server.public_key).decode(), their_id(id_of(ton, init))
    return LiteClient("127.0.0.1", server.port, key, TIMEOUT_SECS, trust_level=trust_level, init_key_block=block)


@asynccontextmanager
async def connected(ton: LocalTon, trust_level: int = ALL_PROOFS, init: int = 1) -> AsyncIterator[LiteClient]:
    """The client as newly installed. What it stores in the working directory must go: it cannot connect twice within
    one block."""
    shutil.rmtree(".blockstore", ignore_errors=True)
    bare = client(ton, trust_level, init)
    try:
        await bare.connect()
        yield bare
    finally:
        await bare.close()


async def believed_balance(ton: LocalTon, lie: Lie, trust_level: int = ALL_PROOFS, init: int = 1) -> int:
    """What the library, lied to, believes that the merchant has."""
    make_hostile(ton, lie)
    async with connected(ton, trust_level, init) as bare:
        return await balance(bare, merchant(ton))


async def believes_in_the_fortune(ton: LocalTon, lie: Lie, trust_level: int = ALL_PROOFS, init: int = 1) -> bool:
    """Whether the library, lied to, believes that the merchant has got a fortune, and shows the payment."""
    make_hostile(ton, lie)
    async with connected(ton, trust_level, init) as bare:
        [last] = await bare.get_transactions(raw_address(merchant(ton)), 1)
        paid = int(last.in_msg.info.value.grams)
        return (await balance(bare, merchant(ton)), paid) == (FORTUNE, FORTUNE)


async def believed_amounts(ton: LocalTon, lie: Lie, trust_level: int, count: int) -> list[int]:
    """The newest payments to the merchant that the library, lied to, believes in."""
    make_hostile(ton, lie)
    async with connected(ton, trust_level) as bare:
        found = await bare.get_transactions(raw_address(merchant(ton)), count)
    return [int(transaction.in_msg.info.value.grams) for transaction in found]


async def balance(bare: LiteClient, account: Address) -> int:
    """What the library believes that an account holds."""
    return int((await bare.get_account_state(raw_address(account))).balance)
