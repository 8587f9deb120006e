"""What end-to-end tests share: a local chain, a database, a backend and a daemon for each module."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from harvester_ton.devnet.tvm import tvm_available
from tests.conftest import new_database
from tests.e2e.backend import Backend
from tests.e2e.browser import chromium
from tests.e2e.chain import Chain
from tests.e2e.daemon import Daemon, harvester
from tests.e2e.shop import TOKEN, Shop


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A browser; where there is none, the test is skipped."""
    async with chromium() as opened:
        yield opened


@dataclass
class World:
    """Everything an integrator has."""

    chain: Chain
    backend: Backend
    daemon: Daemon
    shop: Shop

    async def harvester(self, *arguments: str) -> tuple[int, str, str]:
        """Run another command with the daemon's settings."""
        return await harvester(*arguments, environ=self.daemon.settings, folder=self.daemon.folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chain]:
    """A local chain in a process of its own."""
    if not tvm_available():
        pytest.skip("there is no TVM for this platform")
    async with Chain.open(tmp_path_factory.mktemp("chain")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(chain: Chain, postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A daemon at work on the chain."""
    async with open_world(chain, postgres_uri, tmp_path_factory.mktemp("daemon")) as opened:
        yield opened


@asynccontextmanager
async def open_world(chain: Chain, postgres_uri: str, folder: Path) -> AsyncIterator[World]:
    """Yield a daemon that is ready, with a database of its own, and a backend that hears of it."""
    async with new_database(postgres_uri) as database_uri, open_world_on(chain, database_uri, folder) as world:
        yield world


@asynccontextmanager
async def open_world_on(chain: Chain, database_uri: str, folder: Path, **settings: str) -> AsyncIterator[World]:
    """Yield a daemon that is ready, on this database and with these settings, and a backend that hears of it."""
    async with Backend.open() as backend:
        usual = chain.settings | {
            "POSTGRES_URI": database_uri,
            "TOKEN": TOKEN,
            "WEBHOOK_ENDPOINT": backend.url,
            "WEBHOOK_SECRET": backend.secret,
        }
        daemon = Daemon(usual | settings, folder)
        try:
            await daemon.start_ready()
            async with aiohttp.ClientSession(daemon.url, headers={"Authorization": f"Bearer {TOKEN}"}) as session:
                yield World(chain, backend, daemon, Shop(session))
        finally:
            await daemon.kill()
        assert backend.refused == []
