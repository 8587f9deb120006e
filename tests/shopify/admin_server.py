"""A shop's Admin API on this machine: it keeps orders and their transactions, and fails as a test asks for."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from harvester_demo.loopback import serving

VERSION = "2024-04"
TOKEN = "shpat_0123456789abcdef"
Answering = Callable[[], Awaitable[web.StreamResponse]]
Trouble = Callable[[web.Request, Answering], Awaitable[web.StreamResponse]]
"""Takes a request and what answers it properly; what is done before or after calling that is the trouble."""


@dataclass
class ShopOrder:
    """An order as the shop has it."""

    transactions: list[dict[str, Any]] = field(default_factory=list)
    cancelled_at: str | None = None

    def captures(self) -> list[dict[str, Any]]:
        return [each for each in self.transactions if each["kind"] == "capture"]


class AdminServer:
    """Knows the orders that a test has made. `troubles` are used up first, one for each request."""

    def __init__(self) -> None:
        self.orders: dict[str, ShopOrder] = {}
        self.troubles: list[Trouble] = []
        self.asked: list[str] = []
        """Method and path of each request that came."""
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def order(self, order_id: str) -> ShopOrder:
        """Make an order whose payment is authorised."""
        authorised = {"kind": "authorization", "status": "success", "amount": "24.00", "currency": "USD"}
        return self.orders.setdefault(order_id, ShopOrder([authorised]))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(f"{request.method} {request.path}")
        trouble = self.troubles.pop(0) if self.troubles else None

        async def properly() -> web.StreamResponse:
            return self._answer(request, body)

        return await (trouble(request, properly) if trouble else properly())

    def _answer(self, request: web.Request, body: bytes) -> web.StreamResponse:
        if request.headers.get("X-Shopify-Access-Token") != TOKEN:
            return errors(401, "[API] Invalid API key or access token (unrecognized login or wrong password)")
        if request.path == f"/admin/api/{VERSION}/shop.json":
            return web.json_response({"shop": {"name": "Tea and cake"}})
        prefix = f"/admin/api/{VERSION}/orders/"
        order_id, _, what = request.path.removeprefix(prefix).removesuffix(".json").partition("/")
        order = self.orders.get(order_id)
        if not request.path.startswith(prefix) or order is None:
            return errors(404, "Not Found")
        match request.method, what:
            case "GET", "":
                return web.json_response({"order": {"id": int(order_id), "cancelled_at": order.cancelled_at}})
            case "GET", "transactions":
                return web.json_response({"transactions": order.transactions})
            case "POST", "transactions":
                return _capture(order, json.loads(body))
            case "POST", "cancel":
                return _cancel(order, order_id)
        return errors(406, "Not Acceptable")


def _capture(order: ShopOrder, body: dict[str, Any]) -> web.StreamResponse:
    given = body["transaction"]
    assert given.keys() == {"parent_id", "amount", "kind", "currency"}
    transaction = given | {"status": "success", "id": len(order.transactions) + 1}
    order.transactions.append(transaction)  # this shop lets itself be paid twice: the test would see it
    return web.json_response({"transaction": transaction}, status=201)


def _cancel(order: ShopOrder, order_id: str) -> web.StreamResponse:
    if order.cancelled_at is not None:
        return errors(422, "Order has been canceled")
    order.cancelled_at = "2026-11-22T03:00:00-05:00"
    return web.json_response({"order": {"id": int(order_id), "cancelled_at": order.cancelled_at}})


def errors(status: int, text: str) -> web.Response:
    """Return an error in the shop's form."""
    return web.json_response({"errors": text}, status=status)


def instead(status: int, body: bytes = b"", **headers: str) -> Trouble:
    """Answer so, and do nothing."""

    async def trouble(_request: web.Request, _properly: Answering) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=named)

    return trouble


def hang() -> Trouble:
    """Never answer, and do nothing."""

    async def trouble(_request: web.Request, _properly: Answering) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    return trouble


def lose_answer(first: Callable[[], Awaitable[None]] | None = None) -> Trouble:
    """Do it, then drop the connection; `first` is awaited in between."""

    async def trouble(request: web.Request, properly: Answering) -> web.StreamResponse:
        answer = await properly()
        if first:
            await first()
        if request.transport is not None:
            request.transport.abort()
        return answer

    return trouble


def none() -> Trouble:
    """Let one request pass."""

    async def trouble(_request: web.Request, properly: Answering) -> web.StreamResponse:
        return await properly()

    return trouble


@asynccontextmanager
async def admin_server() -> AsyncIterator[AdminServer]:
    """Yield the shop, on a free port of loopback."""
    server = AdminServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    async with serving(app, shutdown_timeout=0, handler_cancellation=True) as server.port:
        yield server
