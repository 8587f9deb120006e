"""A daemon before a local chain of two lite servers, which shows its metrics; everything outside of it can fail."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harvester_ton.devnet.tvm import tvm_available
from tests.conftest import new_database
from tests.deploy.recording import Recording
from tests.e2e.chain import Chain
from tests.e2e.conftest import World, open_world_on
from tests.e2e.daemon import free_port
from tests.proxy import Proxy, proxied

AMOUNT = 5_000_000


@dataclass
class Shop:
    """A shop at work."""

    world: World
    way: Proxy
    """To the database."""
    folder: Path
    healthy: Recording
    """What its daemon showed while all was well."""


@asynccontextmanager
async def open_shop(postgres_uri: str, folder: Path) -> AsyncIterator[Shop]:
    """Yield a shop with one invoice that its backend knows of, and a rate."""
    if not tvm_available():
        pytest.skip("there is no TVM for this platform")
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(Chain.open(folder, "--block-seconds", "0.25", "--lite-servers", "2"))
        uri = await stack.enter_async_context(new_database(postgres_uri))
        way = await stack.enter_async_context(proxied(uri))
        place = f"127.0.0.1:{free_port()}"
        world = await stack.enter_async_context(open_world_on(chain, way.uri, folder, METRICS=place))
        await world.backend.event((await world.shop.create("TON", AMOUNT))["id"], "waiting")
        await set_rate(world, "100d")
        yield Shop(world, way, folder, await Recording.take(world.daemon))


async def set_rate(world: World, valid: str) -> None:
    """Say what a coin costs, for so long."""
    status, _, error = await world.harvester("rate", "set", "USD", "5", "--valid", valid)
    assert status == 0, error
