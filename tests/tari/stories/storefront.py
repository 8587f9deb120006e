"""The shop: it tells of its orders by webhooks, and keeps what it is asked to capture and to cancel."""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from aiohttp.test_utils import TestServer

SECRET: Final = "key-of-a-test-shop"  # noqa: S105 - of a test
SIGNATURE: Final = "X-Shopify-Hmac-Sha256"


@dataclass
class Storefront:
    """Its Admin API, as far as the daemon uses it; it never fails."""

    url: str = ""
    captured: dict[str, list[str]] = field(default_factory=dict)
    """Amounts, by order id."""
    cancelled: list[str] = field(default_factory=list)
    """Order ids."""

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator["Storefront"]:
        """Yield it, ready."""
        shop, app = cls(), web.Application()
        orders = "/admin/api/2024-04/orders"
        app.router.add_get(orders + "/{id}/transactions.json", shop.transactions)
        app.router.add_post(orders + "/{id}/transactions.json", shop.capture)
        app.router.add_get(orders + "/{id}.json", shop.order)
        app.router.add_post(orders + "/{id}/cancel.json", shop.cancel)
        async with TestServer(app) as server:
            shop.url = str(server.make_url("/"))
            yield shop

    @property
    def settings(self) -> Mapping[str, str]:
        """What the daemon is told of it."""
        return {
            "HOOKS": "shopify",
            "SHOPIFY_URL": self.url,
            "TPG_SHOPIFY_SHOP": "test.shop.example",
            "TPG_SHOPIFY_ADMIN_ACCESS_TOKEN": "token-for-a-test-shop",
            "TPG_SHOPIFY_HMAC_SECRET": SECRET,
        }

    async def transactions(self, request: web.Request) -> web.Response:
        found = self.captured.get(request.match_info["id"], [])
        made = [{"kind": "capture", "status": "success", "amount": amount} for amount in found]
        return web.json_response({"transactions": made})

    async def capture(self, request: web.Request) -> web.Response:
        amount = (await request.json())["transaction"]["amount"]
        self.captured.setdefault(request.match_info["id"], []).append(amount)
        return web.json_response({"transaction": {"id": 1}}, status=201)

    async def order(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        moment = "2026-01-01T00:00:00Z" if name in self.cancelled else None
        return web.json_response({"order": {"id": int(name), "cancelled_at": moment}})

    async def cancel(self, request: web.Request) -> web.Response:
        self.cancelled.append(request.match_info["id"])
        return web.json_response({"order": {"id": int(request.match_info["id"])}})


def signed(order: Mapping[str, object], secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a webhook."""
    body = json.dumps(order).encode()
    signature = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    return body, {"Content-Type": "application/json", SIGNATURE: signature}
