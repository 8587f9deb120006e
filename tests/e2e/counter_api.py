"""Orders and credit over real HTTP, on a real database and a chain in memory; a tiny plug-in places orders."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import quote

import aiohttp
from prometheus_client import CollectorRegistry
from yarl import URL

from harvester.api.accounts import AccountRoutes
from harvester.api.app import build_api, listen
from harvester.api.invoices import InvoiceRoutes
from harvester.api.orders import OrderRoutes
from harvester.api.payments import PaymentRoutes
from harvester.api.plugins import PluginRoutes
from harvester.chain.desk import Lives
from harvester.domain.account import UNCLAIMED_LIFE, UNPAID_LIFE
from harvester.metrics import Metrics
from harvester.services.accounts import Accounts
from harvester.services.chains import Chains
from harvester.services.desk import OrderDesk
from harvester.services.invoicing import Invoicing
from harvester.services.payments import Payments
from harvester.services.wallets import Wallets
from harvester.storage.database import Database
from harvester.storage.signals import Signals
from tests.access import access
from tests.clock import ManualClock
from tests.e2e import desk_plugin
from tests.e2e.api_contract import Contract
from tests.memory_chain import COIN, MemoryChain

TOKEN = "token-of-a-test-shop"
PRIVATE = "/tonpay/private/api/v1"
HOST = "192.0.2.7"
CONTRACT = Contract()
COINS = 10**9
"""Base units of a whole coin."""


@dataclass
class CounterApi:
    """A running API, and who places orders and pays."""

    http: aiohttp.ClientSession
    clock: ManualClock
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def ask(
        self, method: str, path: str, status: int = 200, headers: Mapping[str, str] | None = None, **members: Any
    ) -> Any:
        """Send a private request, whose answer is held to the document; return its JSON."""
        at, body = URL(f"{PRIVATE}{path}", encoded=True), json.dumps(members).encode() if members else None
        async with self.http.request(method, at, data=body, headers=headers) as answer:
            text = await answer.read()
            CONTRACT.check(method, str(at), answer.status, answer.headers, text)
        assert answer.status == status, text
        return json.loads(text) if text else None

    async def get(self, path: str, status: int = 200) -> Any:
        """Ask for something."""
        return await self.ask("GET", path, status)

    async def post(self, path: str, status: int = 200, key: str | None = None, **members: Any) -> Any:
        """Do something."""
        return await self.ask("POST", path, status, {"Idempotency-Key": key} if key else None, **members)

    async def place(self, order_id: str, customer_id: str = "alice", price: int = 5, **more: str) -> str:
        """Place an order of so many whole coins, as a storefront does; return its path."""
        order = {"order_id": order_id, "customer_id": customer_id, "ticker": "MEM", "price_currency": "MEM"}
        await self._desk("orders", **order, price=str(price), **more)
        return f"/orders/{quote(order_id, safe='')}"

    async def report(self, payer: str, coins: int, order: str | None = None) -> str:
        """Tell of money, as a hot wallet does; return its hash."""
        tx_hash = f"{next(self.numbers):064x}"
        said = {"tx_hash": tx_hash, "asset": COIN, "amount": coins * COINS, "payer": payer, "order_reference": order}
        await self._desk("payments", **said, badge=self._badge())
        return tx_hash

    async def pay(self, payer: str, coins: int) -> None:
        """Tell of money that is final."""
        await self._desk("confirmations", tx_hash=await self.report(payer, coins), badge=self._badge())

    def _badge(self) -> Mapping[str, object]:
        return {"chain": "memory", "address": "hot", "nonce": next(self.numbers)}

    async def _desk(self, what: str, **members: Any) -> None:
        async with self.http.post(f"/desk/{what}", json=members) as answer:
            assert answer.status == 200, await answer.text()


@asynccontextmanager
async def serving(database_uri: str) -> AsyncIterator[CounterApi]:
    """Yield the API, with a wallet that may report."""
    clock = ManualClock()
    chains, metrics = Chains([MemoryChain(clock)]), Metrics(CollectorRegistry(), "test")

    async def ready() -> Sequence[str]:
        return []

    async with Database.open(database_uri) as database:
        services = (database, chains, clock, Signals(database), metrics)
        accounts, wallets = Accounts(*services, unpaid_life=UNPAID_LIFE), Wallets(database, chains, clock)
        desk = OrderDesk(*services, chain="memory", lives=Lives(UNCLAIMED_LIFE, UNPAID_LIFE))
        private = (
            InvoiceRoutes(Invoicing(*services), chains),
            PaymentRoutes(Payments(*services), chains),
            OrderRoutes(accounts, Invoicing(*services), chains),
            AccountRoutes(accounts, wallets, chains),
        )
        brought = PluginRoutes(desk_plugin.routes(desk_plugin.Deaf(), desk))
        app = build_api(chains, ready, metrics, access(database, clock, TOKEN), [brought], private)
        await wallets.add("memory", "hot", HOST, 0, "test")
        async with (
            listen(app, "127.0.0.1", 0) as [(host, port)],
            aiohttp.ClientSession(f"http://{host}:{port}", headers={"Authorization": f"Bearer {TOKEN}"}) as http,
        ):
            yield CounterApi(http, clock)
