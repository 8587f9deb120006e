"""A real daemon, a hot wallet and a buyer with keys, a shop that sends webhooks and has an Admin API: over HTTP."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web

from harvester.clock import utc_now
from harvester.services.rates import Rates
from tests.e2e.eventually import eventually
from tests.e2e.tari_shop import HotWallet, Owner, Reply, TariShop, open_tari_shop
from tests.shopify.admin_server import TOKEN as ADMIN_TOKEN
from tests.shopify.admin_server import AdminServer, Answering, ShopOrder, Trouble, admin_server, instead, none

KEY = "the key of webhooks"
_LET_GO = "UPDATE deliveries SET due_at = now() WHERE status = 'pending' AND leased_until IS NULL"
_LAPSE = "UPDATE deliveries SET due_at = now(), leased_until = now() WHERE leased_until IS NOT NULL"
"""Make as if the time had passed for which the process that was killed had leased them."""


@dataclass
class Storefront:
    """The shop and the daemon."""

    shop: AdminServer
    server: TariShop

    async def order(self, order_id: int, note: object = None, price: str = "24.00", customer: int | None = 7) -> Reply:
        """Place an order in the shop, which tells the daemon."""
        self.shop.order(str(order_id))
        members = {
            "id": order_id,
            "name": f"#{order_id}",
            "note": None if note is None else json.dumps(note),
            "currency": "USD",
            "total_price": price,
            "created_at": utc_now().isoformat(),
            "customer": customer and {"id": customer},
        }
        body = json.dumps(members).encode()
        signature = base64.b64encode(hmac.digest(KEY.encode(), body, "sha256")).decode()
        return await self.server.post("/shopify/webhook/checkout_create", body, {"X-Shopify-Hmac-Sha256": signature})

    def in_shop(self, order_id: int) -> ShopOrder:
        return self.shop.orders[str(order_id)]

    async def pay(self, payer: Owner, xtr: int, txid: str, order_id: str | None = None) -> None:
        """Pay, and wait until it is final."""
        assert (await self.server.report(payer, xtr, txid, order_id=order_id)).status == 200
        assert (await self.server.confirm(txid)).status == 200

    async def until_captured(self, order_id: int) -> None:
        async def captured() -> bool:
            return len(self.in_shop(order_id).captures()) > 0

        await eventually(captured, "it is captured")

    async def until_told(self) -> None:
        """Return when all that has happened has been handed to the hook."""

        async def told() -> bool:
            async with self.server.database.connection() as connection:
                return not await connection.fetchval("SELECT count(*) FROM deliveries WHERE status = 'pending'")

        await eventually(told, "the hook has taken everything")


@pytest.fixture
async def front(database_uri: str, tmp_path: Path) -> AsyncIterator[Storefront]:
    async with admin_server() as shop:
        environ = {
            "HOOKS": "shopify",
            "TPG_SHOPIFY_SHOP": "shop.example.org",
            "TPG_SHOPIFY_ADMIN_ACCESS_TOKEN": ADMIN_TOKEN,
            "TPG_SHOPIFY_HMAC_SECRET": KEY,
            "SHOPIFY_URL": shop.url,
        }
        async with open_tari_shop(database_uri, tmp_path, HotWallet(), **environ) as server:
            rates = Rates(server.database, server.chains, utc_now, timedelta(hours=1))
            await rates.add(rates.pair("USD"), Decimal("0.1"), "test")
            yield Storefront(shop, server)


async def test_an_order_with_a_signed_note_is_paid_by_its_signer_and_captured(front: Storefront) -> None:
    alice = Owner()
    placed = await front.order(1, note=alice.claim("1"))
    assert (placed.status, placed.json) == (200, {"success": True, "message": "Order processed successfully."})
    assert (await front.order(1, note=alice.claim("1"))).json["message"] == "Order already exists."
    assert (await front.order(1, price="25.00")).status == 409
    assert (await front.server.order("1")).status == "waiting"
    await front.pay(alice, 300, "t1")
    await front.until_captured(1)
    await front.until_told()
    (capture,) = front.in_shop(1).captures()
    assert (capture["amount"], capture["currency"]) == ("24.00", "USD")
    assert (await front.server.order("1")).status == "paid"


async def test_a_guest_who_pays_first_and_orders_later_is_captured(front: Storefront) -> None:
    await front.pay(Owner(), 240, "t1", order_id="2")
    assert (await front.order(2, customer=None)).status == 200
    await front.until_captured(2)


async def test_what_is_cancelled_or_expires_is_cancelled_in_the_shop(front: Storefront) -> None:
    await front.order(3)
    front.shop.order("4")
    await front.server.place("4", "7", 10, age=timedelta(hours=3))
    await front.server.daemon.restart()
    await front.server.invoicing.cancel((await front.server.order("3")).id, "test: sold out")

    async def are_cancelled() -> bool:
        return all(front.in_shop(order_id).cancelled_at is not None for order_id in (3, 4))

    await eventually(are_cancelled, "both are cancelled in the shop")
    assert front.in_shop(3).captures() == front.in_shop(4).captures() == []


async def test_a_shop_that_limits_or_fails_is_asked_again_and_captures_once(front: Storefront) -> None:
    front.shop.troubles = [*[instead(429, Retry_After="0.1")] * 2, none(), instead(503)]
    alice = Owner()
    await front.order(5, note=alice.claim("5"))
    await front.pay(alice, 240, "t1")

    async def captured() -> bool:
        async with front.server.database.connection() as connection:
            await connection.execute(_LET_GO)  # at every look, so that nobody has to wait for the schedule
        return len(front.in_shop(5).captures()) > 0

    await eventually(captured, "it is captured")
    await front.until_told()
    assert len(front.in_shop(5).captures()) == 1
    async with front.server.database.connection() as connection:
        said = await connection.fetch("SELECT error FROM delivery_attempts WHERE error IS NOT NULL ORDER BY attempt")
    assert [row["error"] for row in said] == ["the shop asks for fewer requests", "the shop failed with status 503"]


def kill(front: Storefront, *, after_effect: bool) -> Trouble:
    """Kill the daemon while the shop does what it was asked, before or after the effect."""

    async def trouble(_request: web.Request, properly: Answering) -> web.StreamResponse:
        if after_effect:
            await properly()
        await front.server.daemon.kill()
        return web.Response(status=500)

    return trouble


@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_crash_around_the_effect_neither_loses_nor_doubles_a_capture(
    front: Storefront, after_effect: bool
) -> None:
    alice = Owner()
    await front.order(6, note=alice.claim("6"))
    await front.until_told()
    front.shop.troubles = [none(), kill(front, after_effect=after_effect)]
    await front.pay(alice, 240, "t1")

    async def is_dead() -> bool:
        return not front.shop.troubles

    await eventually(is_dead, "the daemon is killed")
    await front.server.daemon.kill()
    async with front.server.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM deliveries WHERE status = 'pending'") == 1
        assert await connection.execute(_LAPSE) == "UPDATE 1"
    assert len(front.in_shop(6).captures()) == after_effect
    await front.server.daemon.start_ready()
    await front.until_told()
    assert len(front.in_shop(6).captures()) == 1
    async with front.server.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM delivery_attempts") == 1
