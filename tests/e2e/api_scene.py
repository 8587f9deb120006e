"""A daemon with all that the examples of the API document need around it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from standardwebhooks import Webhook

from tests.conftest import new_database
from tests.e2e import desk_plugin
from tests.e2e.api_contract import Contract
from tests.e2e.api_story import Story
from tests.e2e.chain import Chain, payment_of
from tests.e2e.conftest import World, open_world_on
from tests.e2e.eventually import eventually
from tests.e2e.shop import TOKEN
from tests.receiver import Receiver, answer, receiving

SETTINGS = {
    "WEBHOOK_ALLOW_HTTP": "on",
    "WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    "DOMAIN": "pay.example.org",
    "KEY": bytes(range(32)).hex(),
}
WALLET = "0:ce165390e86a4c7c8c0c05a28c01a52c2848a350548c2dc3b7923427f40d64ef"


@dataclass
class Scene:
    """A daemon on a local chain, a receiver that hears everything, and the examples."""

    world: World
    story: Story
    receiver: Receiver
    secret: str = ""

    async def webhook(self, event_type: str, about: Callable[[Any], bool]) -> Any:
        """Return the body of the webhook that came; its signature must be right, and it must be like its example."""
        found: list[Any] = []

        async def came() -> bool:
            for each in self.receiver.received:
                headers = {name.lower(): value for name, value in each.headers.items()}
                if headers.get("harvester-event") == event_type and about(json.loads(each.body)):
                    found.append(Webhook(self.secret).verify(each.body, headers))
            return bool(found)

        await eventually(came, event_type)
        self.story.heard(event_type, found[0])
        return found[0]

    async def pay(self, invoice: dict[str, Any], **details: Any) -> None:
        """Pay on the chain."""
        await self.world.chain.pay(payment_of(invoice, **details))

    async def payment(self, text: str) -> Any:
        """Pay the price of a coffee with a text that names no invoice, and return the payment."""
        invoice = await self.story.ask("createInvoice", request="order")
        await self.pay(invoice, text=text)
        body = await self.webhook("payment.unmatched", lambda body: body["payment"].get("text") == text)
        return body["payment"]

    async def place(self, order_id: str, customer_id: str, price: str = "2.50") -> dict[str, str]:
        """Place an order, as a storefront does; return what its path needs."""
        ids = {"order_id": order_id, "alt_id": f"#{order_id}", "customer_id": customer_id}
        await self._desk("orders", **ids, note="Ring twice", price=price, ticker="TON", price_currency="TON")
        return {"order_id": order_id}

    async def report(self, payer: str, coins: int, nonce: int, order_id: str | None = None) -> dict[str, Any]:
        """Tell of money, as a hot wallet does; return what confirms it."""
        badge = {"chain": "ton", "address": WALLET, "nonce": nonce}
        said = {"tx_hash": f"{nonce:064x}", "asset": "ton", "amount": coins * 10**9, "payer": payer}
        await self._desk("payments", **said, order_reference=order_id, badge=badge)
        return {"tx_hash": said["tx_hash"], "badge": badge | {"nonce": nonce + 1}}

    async def confirm(self, money: dict[str, Any]) -> None:
        """Say that money is final."""
        await self._desk("confirmations", **money)

    async def _desk(self, what: str, **members: Any) -> None:
        async with self.story.session.post(f"/desk/{what}", json=members) as answer:
            assert answer.status == 200, await answer.text()


@asynccontextmanager
async def opened(chain: Chain, postgres_uri: str, folder: Path) -> AsyncIterator[Scene]:
    """Yield everything at work."""
    async with (
        new_database(postgres_uri) as uri,
        open_world_on(chain, uri, folder, **SETTINGS, **desk_plugin.install(folder / "site")) as world,
        aiohttp.ClientSession(world.daemon.url, headers={"Authorization": f"Bearer {TOKEN}"}) as session,
        receiving() as receiver,
    ):
        receiver.behaviour = answer(200, b"ok")
        yield Scene(world, Story(Contract(), session), receiver)
