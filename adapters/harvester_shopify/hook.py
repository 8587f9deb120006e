"""Tells the shop what became of its orders: what is paid is captured, what is cancelled or expired is cancelled.

Each event comes at least once, so what is there is looked at before anything is done: neither an answer that was lost
nor a crash between the effect and its record makes a second capture. One order's events come one after another, and
never two at a time.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from typing import Any, Final

import structlog

from harvester.chain import Finding
from harvester.chain.hooks import HookEvent, Later
from harvester.domain.events import EventType
from harvester_shopify.admin import TIMEOUT_SECS, AdminApi, Capture, ShopRefuses
from harvester_shopify.settings import ShopifySettings

_SHOP_ID: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_TAKEN: Final = frozenset({("capture", "success"), ("sale", "success")})
"""Kind and status of transactions that have taken money."""
_UNDER_WAY: Final = ("capture", "pending")
"""A `sale` that is pending is only the promise of a manual payment: it is what is to be captured."""

_log = structlog.get_logger(__name__)


class ShopifyHook:
    """Implements `harvester.chain.hooks.Hook`."""

    def __init__(self, settings: ShopifySettings, timeout_secs: float = TIMEOUT_SECS) -> None:
        """Build it; `timeout_secs` bounds a request to the shop."""
        self.settings = settings
        self._timeout_secs = timeout_secs
        self._handlers: Mapping[str, Callable[[AdminApi, str, Mapping[str, Any]], Awaitable[None]]] = {
            EventType.PAID: _capture,
            EventType.CANCELLED: _cancel,
            EventType.EXPIRED: _expire,
        }
        self.event_types = [str(kind) for kind in self._handlers]

    async def handle(self, event: HookEvent) -> None:
        """See `harvester.chain.hooks.Hook`. What is no order of the shop is let be."""
        order_id = event.body.get("order_id")
        if isinstance(order_id, str) and _SHOP_ID.fullmatch(order_id):
            async with AdminApi.open(self.settings, self._timeout_secs) as shop:
                await self._handlers[event.type](shop, order_id, event.body)

    async def check(self) -> Sequence[Finding]:
        """See `harvester.chain.hooks.CheckingHook`."""
        subject = "TPG_SHOPIFY_SHOP"
        try:
            async with AdminApi.open(self.settings, self._timeout_secs) as shop:
                return [Finding(True, subject, f"the shop {await shop.name()!r} takes the access token")]
        except (Later, ShopRefuses) as error:
            return [Finding(False, subject, str(error))]


async def _capture(shop: AdminApi, order_id: str, order: Mapping[str, Any]) -> None:
    price = order.get("price")
    if not isinstance(price, Mapping) or order.get("amount") == "0":
        _log.info("nothing to capture: the order is free, or was not placed by the shop", order_id=order_id)
        return
    found = await _transactions(shop, order_id)
    if found & _TAKEN:
        _log.info("nothing to capture: the shop has money for the order", order_id=order_id)
        return
    if _UNDER_WAY in found:
        raise Later("a capture is pending in the shop")
    await shop.capture(order_id, Capture(str(price["amount"]), str(price["currency"])))
    _log.info("captured in the shop", order_id=order_id)


async def _cancel(shop: AdminApi, order_id: str, _order: Mapping[str, Any]) -> None:
    if not await shop.is_cancelled(order_id):
        await shop.cancel(order_id)
        _log.info("cancelled in the shop", order_id=order_id)


async def _expire(shop: AdminApi, order_id: str, order: Mapping[str, Any]) -> None:
    if order.get("amount") == "0":
        return  # nobody had to pay what is free: the shop keeps it
    if await _transactions(shop, order_id) & _TAKEN:  # of every order the shop tells, also of those paid otherwise
        _log.info("not cancelled, though nobody paid here: the shop has money for the order", order_id=order_id)
        return
    await _cancel(shop, order_id, order)


async def _transactions(shop: AdminApi, order_id: str) -> Set[tuple[object, object]]:
    """Return kind and status of what was done with the money of an order."""
    return {(each.get("kind"), each.get("status")) for each in await shop.transactions(order_id)}
