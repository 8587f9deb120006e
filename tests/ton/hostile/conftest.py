"""Chains for each test, and a working directory of its own for the library's proof store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harvester.storage.database import Database
from harvester_ton.devnet.local import LocalTon
from tests.ton.hostile.shop import Doors
from tests.ton.hostile.worlds import Clock, chain


@pytest.fixture
def clock() -> Clock:
    """The time of all chains, and the merchant's."""
    return Clock()


@pytest.fixture
async def ton(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalTon]:
    """The honest chain. Of its two lite servers the first is the one that lies."""
    monkeypatch.chdir(tmp_path)
    async with chain(clock) as opened:
        yield opened


@pytest.fixture
async def fork(clock: Clock) -> AsyncIterator[LocalTon]:
    """A chain that begins with the very blocks of the honest one, and so with its validators."""
    async with chain(clock, lite_servers=1) as opened:
        yield opened


@pytest.fixture
async def thief(clock: Clock) -> AsyncIterator[LocalTon]:
    """A chain of other people: another network."""
    async with chain(clock, lite_servers=1, seed=b"thief") as opened:
        yield opened


@pytest.fixture
def doors(ton: LocalTon, database: Database, clock: Clock) -> Doors:
    """Shops of a merchant on the honest chain."""
    return Doors(ton, database, clock)
