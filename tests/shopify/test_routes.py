"""The shop's webhooks over real HTTP, at a desk on a real database."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from harvester.chain.desk import OrderDraft, Placed
from harvester.domain.errors import ConfigurationError, Unavailable
from harvester.services.rates import Rates
from harvester.storage.database import Database
from harvester_shopify.hook import ShopifyHook
from harvester_shopify.plugin import plugin
from harvester_shopify.routes import HMAC_HEADER, ShopifyRoutes
from harvester_shopify.settings import ShopifySettings
from tests.clock import ManualClock
from tests.e2e.test_api_plugins import serving
from tests.memory_chain import MemoryChain
from tests.services.conftest import Shop
from tests.services.counter import Counter
from tests.shopify.test_orders import ORDER
from tests.shopify.test_settings import LEAST

KEY = LEAST["TPG_SHOPIFY_HMAC_SECRET"]
PATH = "/shopify/webhook/checkout_create"
IN_COINS = ORDER | {"currency": "mem", "total_price": "0.5"}


class SignedNotes(MemoryChain):
    """A chain whose owners sign for orders by saying so."""

    def find_claimant(self, note: str, order_id: str) -> str | None:
        """See `harvester.chain.ClaimingAdapter`."""
        address, _, claimed = note.partition(" signs for ")
        return address if claimed == order_id else None


@dataclass
class Front:
    """The shop's way to the server, and the counter behind it."""

    session: aiohttp.ClientSession
    counter: Counter

    async def post(self, order: Any, **headers: str) -> tuple[int, Any]:
        """Send a signed webhook; return status and message or text."""
        body = order if isinstance(order, bytes) else json.dumps(order).encode()
        named = {HMAC_HEADER: sign(body)} | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.post(PATH, data=body, headers=named) as answer:
            if answer.content_type != "application/json":
                return answer.status, await answer.text()
            members = await answer.json()
            assert members.get("success", False) is (answer.status == 200)
            assert ("Retry-After" in answer.headers) is (answer.status == 503)
            return answer.status, members.get("message") or members["error"]


def sign(body: bytes, key: str = KEY) -> str:
    return base64.b64encode(hmac.digest(key.encode(), body, "sha256")).decode()


@asynccontextmanager
async def front(database: Database, **environ: str) -> AsyncIterator[Front]:
    """Yield the storefront with these settings."""
    clock = ManualClock()
    counter = await Counter(Shop(database, clock=clock, world=SignedNotes(clock))).open()
    routes = plugin.routes
    assert routes
    brought = routes(ShopifyHook(ShopifySettings.load(LEAST | environ)), counter.desk)
    async with serving(database.uri, brought) as session:
        yield Front(session, counter)


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Front]:
    async with front(database) as opened:
        yield opened


async def test_an_order_is_placed_at_its_price_and_a_repeat_is_recognised(shop: Front) -> None:
    assert await shop.post(IN_COINS) == (200, "Order processed successfully.")
    assert await shop.post(IN_COINS) == (200, "Order already exists.")
    order = await shop.counter.desk.order(str(ORDER["id"]))
    assert order
    assert order.price
    assert (order.amount, order.alt_id, order.customer_id) == (500_000_000, "#1001", "7012345678")
    assert (str(order.price.amount), order.price.currency) == ("0.5", "MEM")


async def test_a_webhook_that_comes_several_times_at_once_places_one_order(shop: Front) -> None:
    answers = await asyncio.gather(*(shop.post(IN_COINS) for _ in range(5)))
    assert sorted(message for _, message in answers) == ["Order already exists."] * 4 + [
        "Order processed successfully."
    ]


async def test_a_repeat_with_another_content_is_refused_and_said_to_the_operator(shop: Front) -> None:
    await shop.post(IN_COINS)
    with capture_logs() as log:
        status, message = await shop.post(IN_COINS | {"total_price": "0.6"})
    assert (status, message.endswith("exists with another price")) == (409, True)
    assert [line["reason"] for line in log if line["log_level"] == "error"] == [message]


async def test_guests_and_customers_place_orders_and_the_note_stays_with_it(shop: Front) -> None:
    assert (await shop.post(IN_COINS | {"customer": None}))[0] == 200
    order = await shop.counter.desk.order(str(ORDER["id"]))
    assert order
    assert (order.customer_id, order.note) == (f"guest:{ORDER['id']}", "leave it at the door")


async def test_a_signed_note_claims_the_order_for_its_signer(shop: Front) -> None:
    await shop.post(IN_COINS | {"note": f"alice signs for {ORDER['id']}"})
    assert await shop.counter.status(str(ORDER["id"])) == "waiting"
    await shop.post(IN_COINS | {"id": 2, "name": "#2", "note": f"alice signs for {ORDER['id']}", "customer": {"id": 2}})
    assert await shop.counter.status("2") == "unclaimed"


async def test_an_order_without_a_rate_comes_again_until_there_is_one(shop: Front) -> None:
    with capture_logs() as log:
        status, message = await shop.post(ORDER)
    assert (status, message.startswith("Unsupported currency: ")) == (503, True)
    assert [line["order_id"] for line in log if line["log_level"] == "error"] == [str(ORDER["id"])]
    world = shop.counter.shop
    rates = Rates(world.database, world.chains, world.clock, timedelta(hours=1))
    await rates.add(rates.pair("USD"), Decimal("0.1"), "test")
    assert await shop.post(ORDER) == (200, "Order processed successfully.")
    order = await shop.counter.desk.order(str(ORDER["id"]))
    assert order
    assert order.amount == 240_000_000_000


async def test_what_cannot_be_an_order_is_refused(shop: Front) -> None:
    assert await shop.post(b"{") == (400, "Json deserialize error: the body must be JSON, in UTF-8")
    assert (await shop.post(IN_COINS | {"total_price": "-1.50"}))[0] == 400
    status, message = await shop.post(IN_COINS | {"name": "a\nb"})
    assert (status, message.startswith("alt_id must be")) == (400, True)
    assert (await shop.post(b" " * (1 << 18) + b"{}"))[0] == 400


async def test_an_unsigned_or_wrongly_signed_webhook_is_refused_before_it_is_read(shop: Front) -> None:
    async with shop.session.post(PATH, data=b"{") as answer:
        assert (answer.status, await answer.text()) == (403, "No HMAC signature found.")
    right = sign(json.dumps(IN_COINS).encode())
    for wrong in (right[:-2] + "0=", right.lower(), "", " ", sign(b""), "\u00e9"):
        assert await shop.post(IN_COINS, X_Shopify_Hmac_Sha256=wrong) == (403, "Invalid HMAC signature.")
    assert await shop.counter.desk.order(str(ORDER["id"])) is None


async def test_the_signature_is_that_of_the_existing_server() -> None:
    data = json.loads((Path(__file__).parents[1] / "tari/data/vectors.json").read_text())
    (vector,) = [each for each in data["vectors"] if each["kind"] == "shopify_hmac"]
    assert sign(vector["body"].encode(), vector["secret"]) == vector["hmac"]


async def test_a_list_lets_nobody_else_in(database: Database) -> None:
    environ = {"TPG_SHOPIFY_HMAC_CHECKS": "0", "TPG_SHOPIFY_IP_WHITELIST": "192.0.2.5"}
    async with front(database, **environ) as shop:
        forbidden = (403, "Authentication Error. Request was made from a forbidden peer")
        assert await shop.post(IN_COINS) == forbidden
        assert await shop.post(IN_COINS, X_Forwarded_For="192.0.2.6") == forbidden
        assert (await shop.post(IN_COINS, X_Forwarded_For="192.0.2.5"))[0] == 200
        async with shop.session.get("/shopify/health") as answer:
            assert answer.status == 403
        async with shop.session.get("/shopify/health", headers={"X-Forwarded-For": "192.0.2.5"}) as answer:
            assert (answer.status, await answer.text()) == (200, "\U0001f44d\ufe0f\n")


async def test_health_is_for_the_shop_only(shop: Front) -> None:
    async with shop.session.get("/shopify/health") as answer:
        assert answer.status == 403
    async with shop.session.get("/shopify/health", headers={HMAC_HEADER: sign(b"")}) as answer:
        assert answer.status == 200


async def test_a_database_that_is_away_makes_the_shop_send_it_again(database: Database) -> None:
    class Away:
        async def place_order(self, _draft: OrderDraft) -> Placed:
            raise Unavailable("the database does not answer")

    routes = ShopifyRoutes(ShopifySettings.load(LEAST), Away(), "MEM").routes()  # type: ignore[arg-type] # all it is asked for
    async with serving(database.uri, routes) as session:
        body = json.dumps(IN_COINS).encode()
        async with session.post(PATH, data=body, headers={HMAC_HEADER: sign(body)}) as answer:
            assert (answer.status, (await answer.json())["success"]) == (503, False)


async def test_orders_are_paid_in_the_currency_that_is_set(database: Database) -> None:
    async with front(database, SHOPIFY_TICKER="TOK") as shop:
        await shop.post(IN_COINS | {"currency": "TOK"})
        order = await shop.counter.desk.order(str(ORDER["id"]))
        assert order
        assert (order.ticker, order.amount) == ("TOK", 500_000)
    with pytest.raises(ConfigurationError, match="SHOPIFY_TICKER: must be one of MEM, TOK"):
        async with front(database, SHOPIFY_TICKER="DOGE"):
            pass
