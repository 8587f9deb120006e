"""Chains for hostile tests: the honest one, a fork that shares its beginning, and a chain of the thief's own."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from harvester_ton.devnet.accounts import Address, raw_address
from harvester_ton.devnet.local import NANO, LocalTon
from harvester_ton.devnet.server import LiteServer
from tests.ton.hostile.lies import Lie

HOSTILE: Final = 0
"""The lite server that lies."""
HONEST: Final = 1
FORTUNE: Final = 1_000_000 * NANO
"""What a payment is worth that never was."""
AHEAD: Final = 5
"""Blocks by which a false chain is longer than the honest one."""


class Clock:
    """Stands still, so that chains of the same seed begin with the same blocks."""

    def __init__(self) -> None:
        self._unix_secs = int(time.time())

    def __call__(self) -> float:
        """Return Unix seconds, as chains take the time."""
        return self._unix_secs

    def moment(self) -> datetime:
        """Return the same, as the core takes it."""
        return datetime.fromtimestamp(self._unix_secs, UTC)


@asynccontextmanager
async def chain(clock: Clock, **options: Any) -> AsyncIterator[LocalTon]:
    """A chain whose blocks are made by hand, with three validators. Same clock and seed: same beginning."""
    given: dict[str, Any] = {"jettons": {"USDX": 6}, "validators": 3, "lite_servers": 2, "clock": clock} | options
    async with LocalTon(**given) as ton:
        yield ton


def merchant(ton: LocalTon) -> Address:
    """The merchant's wallet on the honest chain, whom anybody may pay on any chain."""
    return ton.wallet("merchant").address


def merchant_wallet(ton: LocalTon) -> Address:
    """The merchant's jetton wallet."""
    return ton.jetton("USDX").wallet_of(merchant(ton))


def raw_merchant(ton: LocalTon) -> str:
    """The merchant's wallet in raw form."""
    return raw_address(merchant(ton))


def hostile(ton: LocalTon) -> LiteServer:
    """The server that lies, if it was told to."""
    return ton.servers[HOSTILE]


def make_hostile(ton: LocalTon, lie: Lie | None) -> None:
    """Let the server lie, or be honest again."""
    hostile(ton).faults.tamper = lie


async def overtake(other: LocalTon, ton: LocalTon) -> None:
    """Make `other` longer than `ton`."""
    await other.produce_block(max(1, ton.seqno + AHEAD - other.seqno))


async def enrich(other: LocalTon, ton: LocalTon) -> None:
    """Pay the merchant a fortune on a chain that nobody should believe, and make that the longer one."""
    await other.pay(merchant(ton), FORTUNE)
    await overtake(other, ton)
