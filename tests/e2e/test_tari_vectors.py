"""Every request among the test data of the existing server, sent to a running daemon."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

import pytest
import pytest_asyncio

from harvester.domain.errors import Unavailable
from harvester_tari.address import Network, parse_address
from tests.conftest import new_database
from tests.e2e.eventually import eventually
from tests.e2e.tari_shop import HOST, HotWallet, Owner, TariShop, open_tari_shop
from tests.tari.vectors import body_of, vectors

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATHS: Final = {
    "memo": "/order/claim",
    "wallet_payment": "/wallet/incoming_payment",
    "wallet_confirmation": "/wallet/tx_confirmation",
}
REQUESTS: Final = [vector for vector in vectors() if vector["kind"] in PATHS]
TABLES: Final = "invoices, payments, payment_confirmations, address_customers, credit_accounts, credit_entries, wallets"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TariShop]:
    async with (
        new_database(postgres_uri) as uri,
        open_tari_shop(uri, tmp_path_factory.mktemp("daemon")) as opened,
    ):
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def shop(daemon: TariShop) -> TariShop:
    """The daemon, knowing nothing."""

    async def emptied() -> bool:
        with suppress(Unavailable):  # a deadlock: what the daemon still had to do locks tables in another order
            async with daemon.database.transaction() as connection:
                await connection.execute(f"TRUNCATE {TABLES} CASCADE")
            return True
        return False

    await eventually(emptied, "all tables are empty")
    return daemon


def of(kind: str) -> pytest.MarkDecorator:
    found = [vector for vector in REQUESTS if vector["kind"] == kind]
    return pytest.mark.parametrize("vector", found, ids=lambda vector: str(vector["id"]))


@of("memo")
async def test_a_claim(shop: TariShop, vector: dict[str, Any]) -> None:
    order_id = vector["order_id"] or "some other"
    await shop.place(order_id, "alice", 10)
    reply = await shop.post("/order/claim", body_of(vector))
    here = parse_address(vector["address"]).network is Network.MAINNET
    taken = vector["expect"] == "valid" and here
    assert reply.status in ((200,) if taken else (400, 401))
    assert (await shop.order(order_id)).status.value == ("waiting" if taken else "unclaimed")


@of("wallet_payment")
async def test_a_payment(shop: TariShop, vector: dict[str, Any]) -> None:
    await authorise(shop, vector)
    reply = await shop.post("/wallet/incoming_payment", body_of(vector), {"X-Forwarded-For": HOST})
    taken = vector["expect"] == "valid"
    assert reply.status == (200 if taken else 401)
    assert await shop.count("payments") == taken
    assert await shop.last_nonce(parse_address(vector["auth"]["address"])) == vector["auth"]["nonce"] - (not taken)


@of("wallet_confirmation")
async def test_a_confirmation(shop: TariShop, vector: dict[str, Any]) -> None:
    other = await shop.authorise(HotWallet())
    message = other.payment(Owner(), 5, vector["confirmation"]["txid"])
    assert (await shop.tell("incoming_payment", message)).status == 200
    await authorise(shop, vector)
    reply = await shop.post("/wallet/tx_confirmation", body_of(vector), {"X-Forwarded-For": HOST})
    assert (reply.status, vector["expect"]) == (200, "valid")
    assert await shop.count("payment_confirmations") == 1


async def authorise(shop: TariShop, vector: dict[str, Any]) -> None:
    """Let the wallet of a message report from this nonce on."""
    await shop.wallets.add("tari", vector["auth"]["address"], HOST, vector["auth"]["nonce"] - 1, "test")
