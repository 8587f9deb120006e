"""The smallest plug-in with routes: a storefront and a hot wallet in one, which the daemon finds by its entry point.

Whoever reaches it may do everything: what real plug-ins check is theirs to test.
"""

import json
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web

from harvester.chain import AdapterContext
from harvester.chain.desk import Badge, Desk, OrderDraft
from harvester.chain.hooks import Hook, HookEvent, HookPlugin
from harvester.chain.requests import CLIENT
from harvester.clock import utc_now
from harvester.domain.payment import Transfer

REPOSITORY = Path(__file__).parents[2]
MAX_BYTES = 10_000


class Deaf:
    """Wants to hear of nothing that these tests do."""

    event_types: Sequence[str] = ("payment.ignored",)

    async def handle(self, event: HookEvent) -> None:
        """See `Hook`."""


def build(_context: AdapterContext) -> Hook:
    """Build it."""
    return Deaf()


def routes(_hook: Hook, desk: Desk) -> Sequence[web.RouteDef]:
    """Return routes that do as they are told."""

    async def place(request: web.Request) -> web.StreamResponse:
        asked = await _members(request)
        price = Decimal(asked.pop("price"))
        placed = await desk.place_order(OrderDraft(**asked, price_amount=price, created_at=utc_now()))
        return web.json_response({"id": str(placed.invoice.id), "new": placed.new})

    async def report(request: web.Request) -> web.StreamResponse:
        asked = await _members(request)
        badge = Badge(**asked.pop("badge"), ip_address=None)
        transfer = Transfer(**asked, index=0, time=utc_now(), provisional=True)
        return web.json_response({"payment_id": (await desk.report(transfer, badge)).payment_id})

    async def confirm(request: web.Request) -> web.StreamResponse:
        asked = await _members(request)
        badge = Badge(**asked["badge"], ip_address=None)
        return web.json_response({"payment_id": (await desk.confirm(asked["tx_hash"], 0, badge)).payment_id})

    return [
        web.post("/desk/orders", place),
        web.post("/desk/payments", report),
        web.post("/desk/confirmations", confirm),
    ]


async def _members(request: web.Request) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(await request[CLIENT].read(MAX_BYTES))
    return members


plugin = HookPlugin(name="desk", build=build, routes=routes)


def install(folder: Path) -> dict[str, str]:
    """Install the plug-in into `folder` and return the settings with which a daemon uses it."""
    package = folder / "desk_plugin-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: desk-plugin\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[harvester.hooks]\ndesk = tests.e2e.desk_plugin:plugin\n")
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(REPOSITORY)]), "HOOKS": "desk"}
