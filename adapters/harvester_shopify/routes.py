"""The route that the shop calls when somebody has placed an order.

It is believed if it is signed with the webhooks' key, if it comes from where webhooks may come from, or both, as the
settings say. Shops send a webhook again until its answer is 2xx: so the status says whether that can help.
"""

import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from harvester.chain.desk import Desk, OrderDraft
from harvester.chain.requests import CLIENT
from harvester.domain.errors import ActRefused, InvalidInput, NoRate, Unavailable
from harvester_shopify.orders import MAX_BYTES, parse_order
from harvester_shopify.settings import ShopifySettings

HMAC_HEADER: Final = "X-Shopify-Hmac-Sha256"
HEALTHY: Final = "\N{THUMBS UP SIGN}\N{VARIATION SELECTOR-16}\n"
RETRY_AFTER_SECS: Final = 5
_NO_STORE: Final = {"Cache-Control": "no-store"}

_Answering = Callable[[bytes], Awaitable[web.Response]]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ShopifyRoutes:
    """Serves the shop at one desk."""

    settings: ShopifySettings
    desk: Desk
    ticker: str
    """The currency that orders are paid in."""

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes."""
        return [
            web.post("/shopify/webhook/checkout_create", self._guarded(self.checkout_create)),
            web.get("/shopify/health", self._guarded(self.health)),
        ]

    async def checkout_create(self, body: bytes) -> web.Response:
        """Place the order that was made in the shop."""
        try:
            draft = parse_order(body, self.settings.tpg_shopify_price_field, self.ticker)
        except InvalidInput as mistake:
            return _undecodable(mistake)
        try:
            return await self._place(draft)
        except InvalidInput as mistake:
            return _result(400, str(mistake))
        except ActRefused as refusal:
            _log.error("the shop sent an order that is known with another content", reason=str(refusal))
            return _result(409, str(refusal))
        except NoRate as missing:
            _log.error("an order of the shop cannot be priced", order_id=draft.order_id, reason=str(missing))
            return _result(503, f"Unsupported currency: {missing}")
        except Unavailable:
            return _result(503, "Temporarily unavailable: try again later.")

    async def health(self, _body: bytes) -> web.Response:
        """Say that the server answers; `/readyz` says more."""
        return web.Response(text=HEALTHY)

    async def _place(self, draft: OrderDraft) -> web.Response:
        placed = await self.desk.place_order(draft)
        return _result(200, "Order processed successfully." if placed.new else "Order already exists.")

    def _guarded(self, answering: _Answering) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Return the handler that answers so whoever may ask, and nobody else."""

        async def handler(request: web.Request) -> web.Response:
            try:
                body = await request[CLIENT].read(MAX_BYTES)
            except InvalidInput as mistake:
                return _undecodable(mistake)
            if refused := self._refusal(request, body):
                return refused
            return await answering(body)

        return handler

    def _refusal(self, request: web.Request, body: bytes) -> web.Response | None:
        """Return the answer to somebody who may not ask; None: he may."""
        if self.settings.tpg_shopify_hmac_checks:
            given = request.headers.get(HMAC_HEADER)
            if given is None:
                return _forbidden("No HMAC signature found.")
            if not self._signed(body, given):
                return _forbidden("Invalid HMAC signature.")
        if self.settings.admits(request[CLIENT].ip_address(self.settings.proxy_headers)):
            return None
        return _json(403, {"error": "Authentication Error. Request was made from a forbidden peer"})

    def _signed(self, body: bytes, given: str) -> bool:
        key = self.settings.tpg_shopify_hmac_secret.get_secret_value().encode()
        expected = base64.b64encode(hmac.digest(key, body, "sha256"))
        return hmac.compare_digest(expected, given.encode("utf-8", "surrogateescape"))


def _result(status: int, message: str) -> web.Response:
    answer = _json(status, {"success": status == 200, "message": message})
    if status == 503:
        answer.headers["Retry-After"] = str(RETRY_AFTER_SECS)
    return answer


def _json(status: int, members: Mapping[str, object]) -> web.Response:
    body = json.dumps(members, ensure_ascii=False).encode()
    return web.Response(status=status, body=body, headers=_NO_STORE | {"Content-Type": "application/json"})


def _undecodable(mistake: InvalidInput) -> web.Response:
    return web.Response(status=400, text=f"Json deserialize error: {mistake}", headers=_NO_STORE)


def _forbidden(text: str) -> web.Response:
    return web.Response(status=403, text=text, headers=_NO_STORE)
