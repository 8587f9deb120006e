"""The payment page alone, over real HTTP, on a real database and the real TON adapter; a test says what is paid."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
from prometheus_client import CollectorRegistry

from harvester.api.app import build_api, listen
from harvester.api.limits import Limits
from harvester.api.page.routes import PAGE, PageRoutes
from harvester.api.page.site import Site
from harvester.api.page.stream import InvoiceStreamRoutes, Seats
from harvester.api.page.texts import Languages
from harvester.api.paths import PUBLIC
from harvester.api.public import ManifestRoutes
from harvester.chain import Account, AdapterContext, Batch
from harvester.domain.invoice import Invoice
from harvester.domain.payment import Transfer
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.invoice_news import InvoiceNews
from harvester.services.invoicing import Draft, Invoicing
from harvester.services.ledger import LedgerService
from harvester.storage.database import Database
from harvester.storage.signals import Signals
from harvester_ton.plugin import plugin
from tests.access import access
from tests.clock import ManualClock
from tests.e2e.api_server import RECIPIENT, SETTINGS

SHOP = {"merchant_name": "Nordlicht Books", "goods": [{"name": "The Dispossessed"}, {"name": "Lavinia"}]}
PAYER = "0:" + "ab" * 32
COIN = Account("ton", RECIPIENT, RECIPIENT, "ton")


@dataclass
class PageServer:
    """A running server, and the shop and the chain behind it."""

    http: aiohttp.ClientSession
    url: str
    invoicing: Invoicing
    ledger: LedgerService
    clock: ManualClock
    news: InvoiceNews

    async def invoice(
        self,
        amount: int = 12_500_000_000,
        metadata: dict[str, Any] | None = None,
        life_secs: int = 900,
        ticker: str = "TON",
    ) -> Invoice:
        """Make an invoice."""
        told = json.dumps(SHOP if metadata is None else metadata)
        return await self.invoicing.create(Draft(amount, ticker, life_secs, metadata=told), "test")

    async def pay(self, invoice: Invoice, amount: int) -> None:
        """Let a payment arrive now."""
        now = self.clock().replace(microsecond=0)
        await self._record([Transfer(uuid4().hex * 2, 0, "ton", amount, PAYER, now, invoice.id)])

    async def expire(self, invoice: Invoice) -> None:
        """Let time pass until the chain shows that nothing came."""
        self.clock.now = invoice.expires_at + timedelta(seconds=2)
        await self._record(scanned_until=self.clock())

    def page(self, invoice: Invoice) -> str:
        """Return the address of an invoice's page."""
        return f"{self.url}{PAGE}/{invoice.id}"

    def stream(self, invoice: Invoice) -> str:
        """Return the address of an invoice's stream."""
        return f"{self.url}{PUBLIC}/invoices/{invoice.id}/stream"

    async def _record(self, transfers: Sequence[Transfer] = (), scanned_until: datetime | None = None) -> None:
        position = await self.ledger.position(COIN)
        cursor = str(int(position.cursor or 0) + 1)
        await self.ledger.record(Batch(COIN, tuple(transfers), position.cursor, cursor, scanned_until))


@asynccontextmanager
async def serving(
    database_uri: str,
    *,
    site: Site | None = None,
    seats: Seats | None = None,
    heartbeat_secs: float = 15.0,
    languages: Languages | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[PageServer]:
    """Yield the page at work."""
    clock, metrics = ManualClock(datetime.now(UTC)), Metrics(CollectorRegistry(), "test")
    chains = Chains([plugin.build(AdapterContext(clock, CollectorRegistry(), SETTINGS))])

    async def ready() -> Sequence[str]:
        return []

    async with Database.open(database_uri) as database, asyncio.TaskGroup() as tasks:
        signals, stop = Signals(database), asyncio.Event()
        invoicing = Invoicing(database, chains, clock, signals, metrics)
        news = InvoiceNews(database, signals)
        tasks.create_task(news.run(stop), name="news")
        public = (
            ManifestRoutes(None),
            PageRoutes(invoicing, chains, clock, site or Site(), languages),
            InvoiceStreamRoutes(news, chains, seats, heartbeat_secs),
        )
        guarded = replace(access(database, clock, "token"), limits=limits or Limits())
        app = build_api(chains, ready, metrics, guarded, public)
        ledger = LedgerService(database, chains, clock, signals, metrics)
        async with listen(app, "127.0.0.1", 0) as [(host, port)], aiohttp.ClientSession() as http:
            try:
                yield PageServer(http, f"http://{host}:{port}", invoicing, ledger, clock, news)
            finally:
                stop.set()
