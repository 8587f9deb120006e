"""A shop in small: it sends an order as its webhook does, and its Admin API takes captures."""

import asyncio
import base64
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final, Self

import aiohttp
from aiohttp import web

from harvester_demo.asking import answer_of
from harvester_demo.loopback import serving

CURRENCY: Final = "USD"
_WEBHOOK: Final = "/shopify/webhook/checkout_create"
_API: Final = "/admin/api/{version}/orders/{order_id}"


class Shop:
    """Knows its orders, and what was captured of them."""

    def __init__(self) -> None:
        self._secret, self._token = secrets.token_hex(16), secrets.token_hex(16)
        self._transactions: dict[str, list[dict[str, Any]]] = {}
        self._news = asyncio.Condition()
        self._url = ""

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        """Yield a shop that listens on a free port of the loopback interface."""
        shop = cls()
        app = web.Application()
        transactions = f"{_API}/transactions.json"
        app.add_routes([web.get(transactions, shop._list), web.post(transactions, shop._capture)])
        async with serving(app) as port:
            shop._url = f"http://127.0.0.1:{port}"
            yield shop

    @property
    def settings(self) -> Mapping[str, str]:
        """What the daemon is told of it."""
        return {
            "HOOKS": "shopify",
            "TPG_SHOPIFY_SHOP": "demo.myshopify.com",
            "TPG_SHOPIFY_ADMIN_ACCESS_TOKEN": self._token,
            "TPG_SHOPIFY_HMAC_SECRET": self._secret,
            "SHOPIFY_URL": self._url,
        }

    async def place(
        self, api: aiohttp.ClientSession, order_id: str, customer_id: int, price: str, note: str | None = None
    ) -> None:
        """Tell the daemon of a new order.

        Raises:
            Unavailable: it refuses.
        """
        self._transactions[order_id] = []
        order = {
            "id": int(order_id),
            "name": f"#{order_id}",
            "customer": {"id": customer_id},
            "currency": CURRENCY,
            "total_price": price,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "note": note,
        }
        body = json.dumps(order).encode()
        digest = base64.b64encode(hmac.digest(self._secret.encode(), body, "sha256")).decode()
        headers = {"X-Shopify-Hmac-Sha256": digest, "Content-Type": "application/json"}
        await answer_of(api.post(_WEBHOOK, data=body, headers=headers))

    async def captured(self, order_id: str) -> Mapping[str, Any]:
        """Return what was captured of an order, as soon as it is."""
        async with self._news:
            await self._news.wait_for(lambda: self._transactions[order_id])
        return self._transactions[order_id][0]

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"transactions": self._of(request)})

    async def _capture(self, request: web.Request) -> web.Response:
        transaction = (await request.json())["transaction"] | {"status": "success"}
        async with self._news:
            self._of(request).append(transaction)
            self._news.notify_all()
        return web.json_response({"transaction": transaction}, status=201)

    def _of(self, request: web.Request) -> list[dict[str, Any]]:
        if not hmac.compare_digest(request.headers.get("X-Shopify-Access-Token", ""), self._token):
            raise web.HTTPUnauthorized
        try:
            return self._transactions[request.match_info["order_id"]]
        except KeyError:
            raise web.HTTPNotFound from None
