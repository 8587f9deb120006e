"""What is asked of the shop's Admin API, REST: one order's transactions, its capture, its cancellation.

Source of the forms: Shopify Admin REST API, resources Transaction and Order. Nothing that may have
had an effect is repeated here: whoever asks is asked again later, and begins by looking at what is there.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from harvester.chain.hooks import Later
from harvester_shopify.settings import ShopifySettings

TIMEOUT_SECS: Final = 8.0
"""Of a request: two fit into the time that a hook has."""
MOMENT_SECS: Final = 2.5
"""The shop's usual limit lets the next request in after 2 s."""
_MAX_BYTES: Final = 1 << 20
_SECS: Final = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?", re.ASCII)
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Capture:
    """Money that the shop is to take as paid."""

    amount: str
    """Decimal text."""
    currency: str


class ShopRefuses(Exception):
    """The shop answers that it will not; trying again helps only if something is changed there, or in the settings."""


class AdminApi:
    """Each call is one request. All raise Later (the shop does not answer, or not now) and ShopRefuses."""

    def __init__(self, settings: ShopifySettings, session: aiohttp.ClientSession) -> None:
        self._url = settings.admin_url
        self._session = session

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ShopifySettings, timeout_secs: float = TIMEOUT_SECS) -> AsyncIterator["AdminApi"]:
        """Yield the API of the shop, in a session of its own."""
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout_secs),
            headers={
                "X-Shopify-Access-Token": settings.tpg_shopify_admin_access_token.get_secret_value(),
                "Content-Type": "application/json",
            },
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            yield cls(settings, session)

    async def name(self) -> str:
        """Return what the shop is called."""
        shop = (await self._ask("GET", "shop.json", query={"fields": "name"})).get("shop")
        if not isinstance(shop, dict):
            raise Later("the shop's answer names no shop")
        return str(shop.get("name"))

    async def transactions(self, order_id: str) -> Sequence[Mapping[str, Any]]:
        """Return what was done with the money of an order."""
        answer = await self._ask("GET", f"orders/{order_id}/transactions.json")
        found = answer.get("transactions")
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise Later("the shop's answer names no transactions")
        return found

    async def capture(self, order_id: str, capture: Capture) -> None:
        """Take an order's money as paid. Doing it twice takes it twice, if the shop allows that.

        Raises Later, too, if whoever handles the shop's payments has not done it, or not yet.
        """
        transaction = {"parent_id": None, "amount": capture.amount, "kind": "capture", "currency": capture.currency}
        answer = await self._ask("POST", f"orders/{order_id}/transactions.json", {"transaction": transaction})
        made = answer.get("transaction")
        status = made.get("status") if isinstance(made, dict) else None
        if status != "success":
            raise Later(f"the capture has the status {status}")

    async def is_cancelled(self, order_id: str) -> bool:
        """Say whether an order is cancelled."""
        order = (await self._ask("GET", f"orders/{order_id}.json", query={"fields": "id,cancelled_at"})).get("order")
        if not isinstance(order, dict):
            raise Later("the shop's answer names no order")
        return order.get("cancelled_at") is not None

    async def cancel(self, order_id: str) -> None:
        """Cancel an order that is not cancelled."""
        await self._ask("POST", f"orders/{order_id}/cancel.json")

    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """Ask; if the shop only wants a moment, give it that. What was refused for its rate has had no effect."""
        data = None if body is None else orjson.dumps(body)
        try:
            return await self._ask_once(method, path, data, query)
        except Later as later:
            if later.retry_secs is None or later.retry_secs > MOMENT_SECS:
                raise
            await asyncio.sleep(later.retry_secs)
        return await self._ask_once(method, path, data, query)

    async def _ask_once(
        self, method: str, path: str, data: bytes | None, query: Mapping[str, str] | None
    ) -> Mapping[str, Any]:
        try:
            async with self._session.request(
                method, self._url / path, params=query, data=data, allow_redirects=False
            ) as response:
                return _answer(response.status, response.headers.get("Retry-After"), await _read(response))
        except TimeoutError:
            raise Later("the shop did not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:  # their texts hold hosts and paths: the name says enough
            raise Later(f"the shop did not answer ({type(error).__name__})") from None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while piece := await response.content.read(_MAX_BYTES + 1 - len(body)):
        body += piece
        if len(body) > _MAX_BYTES:
            raise Later("the shop's answer is too long")
    return body


def _answer(status: int, retry_after: str | None, body: bytes) -> Mapping[str, Any]:
    if status == _TOO_MANY:
        secs = float(retry_after) if retry_after and _SECS.fullmatch(retry_after) else None
        raise Later("the shop asks for fewer requests", secs)
    if status >= 500:
        raise Later(f"the shop failed with status {status}")
    members = _object(body)
    if not 200 <= status < 300:
        raise ShopRefuses(
            f"the shop refused with status {status}: {orjson.dumps(members.get('errors')).decode()[:500]}"
        )
    return members


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
