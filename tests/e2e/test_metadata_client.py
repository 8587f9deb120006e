"""The reference client for wallets, as it is in examples/, on a local chain: it reads what was bought."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from harvester.storage import payer_keys
from harvester.storage.database import Database
from tests.conftest import new_database
from tests.e2e.chain import Chain
from tests.e2e.conftest import World, open_world_on
from tests.e2e.daemon import clean_environ
from tests.e2e.eventually import eventually
from tests.e2e.shop import TOKEN
from tests.ton import sealed

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]

CLIENT = Path(__file__).parents[2] / "examples" / "metadata_client.py"
KEY = bytes(range(32)).hex()
BOUGHT = {
    "goods": [{"name": "Latte 300ml"}, {"name": "Croissant"}],
    "mcc_code": 5814,
    "merchant_name": "Coffee shop",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(chain: Chain, postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A daemon with a KEY at work on the chain."""
    folder = tmp_path_factory.mktemp("daemon")
    async with new_database(postgres_uri) as uri, open_world_on(chain, uri, folder, KEY=KEY) as opened:
        yield opened


async def client(world: World, *options: str, wallet: str) -> tuple[int, str]:
    """Run the client to its end; return its status and what it has printed."""
    environ = {
        "HARVESTER_URL": world.daemon.url,
        "CONTROL_URL": world.chain.facts["control_url"],
        "TOKEN": TOKEN,
        "WALLET": wallet,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(CLIENT), *options),
        env=clean_environ() | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


@pytest.mark.parametrize("wallet", ["buyer", "buyer2", "buyer3"])
@pytest.mark.parametrize("order", [(), ("--commit-first",)], ids=["pay first", "commit first"])
async def test_a_wallet_of_each_version_reads_what_was_bought(world: World, order: Sequence[str], wallet: str) -> None:
    status, said = await client(world, *order, wallet=wallet)
    assert status == 0, said
    assert json.loads(said) == BOUGHT


async def test_the_payload_names_the_site_that_the_key_makes(world: World) -> None:
    invoice: dict[str, Any] = await world.shop.create("TON", 1)
    status, shown, _ = await world.harvester("key", "show", "--json")
    assert status == 0
    address = bytes.fromhex(json.loads(shown)["adnl_address"])
    assert sealed.site_of(invoice["payload"]) == address
    for link in invoice["payment_links"].values():
        assert sealed.site_of(link.partition("bin=")[2].partition("&")[0]) == address


async def test_on_a_real_chain_it_is_known_until_when_keys_may_still_be_paid_for(world: World) -> None:
    """Only then is a key ever dropped: every place where payments are awaited must have been read."""

    async def read_to_the_present() -> bool:
        async with (
            Database.open(world.daemon.settings["POSTGRES_URI"]) as database,
            database.connection() as connection,
        ):
            until = await payer_keys.read_until(connection, "ton")
        return until is not None and until.timestamp() > await world.chain.now() - 30

    await eventually(read_to_the_present, "all accounts to be read")
