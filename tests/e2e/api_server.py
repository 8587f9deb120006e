"""The API alone, over real HTTP, on a real database and the real TON adapter; nothing scans a chain."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry
from yarl import URL

from harvester.api.accounts import AccountRoutes
from harvester.api.app import PrivateRoutes, PublicRoutes, build_api, listen
from harvester.api.exports import ExportRoutes
from harvester.api.invoices import InvoiceRoutes, PublicInvoiceRoutes
from harvester.api.orders import OrderRoutes
from harvester.api.page.routes import PageRoutes
from harvester.api.page.site import Site
from harvester.api.page.stream import InvoiceStreamRoutes
from harvester.api.payments import PaymentRoutes
from harvester.api.printed_receipts import PrintedReceiptRoutes
from harvester.api.public import ManifestRoutes
from harvester.api.rates import RateRoutes
from harvester.api.sealed_metadata import SealedMetadataRoutes
from harvester.chain import Account, Adapter, AdapterContext, Batch
from harvester.domain.account import UNPAID_LIFE
from harvester.domain.payment import Transfer
from harvester.metrics import Metrics
from harvester.services.accounts import Accounts
from harvester.services.chains import Chains
from harvester.services.exports import Exports
from harvester.services.invoice_news import InvoiceNews
from harvester.services.invoicing import Invoicing
from harvester.services.ledger import LedgerService
from harvester.services.payments import Payments
from harvester.services.printed_receipts import PrintedReceipts
from harvester.services.rates import Rates
from harvester.services.sealed_metadata import SealedMetadata
from harvester.services.wallets import Wallets
from harvester.storage.database import Database
from harvester.storage.signals import Signals
from harvester_ton.plugin import plugin
from tests.access import access
from tests.clock import ManualClock
from tests.e2e.api_contract import Contract

TOKEN = "seedtoken"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PRIVATE = "/tonpay/private/api/v1"
PUBLIC = "/tonpay/public/api/v1"
RECIPIENT = "0:ce165390e86a4c7c8c0c05a28c01a52c2848a350548c2dc3b7923427f40d64ef"
JETTON_MASTER = "0:db38c136bdca1b0fd43abeba46d092eece6e4405160c009d7799a6162e9a0dab"
SETTINGS = {
    "RECIPIENT": RECIPIENT,
    "KEY": bytes(range(32)).hex(),
    "JETTONS": f"SUSD 6 {JETTON_MASTER}",
    "LITE_SERVERS": "127.0.0.1:1:WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=",
    "VERIFY": "none",
}
SHUTDOWN_SECS = 0.1
"""Streams would be waited for: nothing tells them that the daemon stops, as nothing runs that does in the daemon."""
CONTRACT = Contract()
Services = tuple[Database, Chains, ManualClock, Signals, Metrics]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Api:
    """A running server, and the ledger beside it."""

    app: web.Application
    http: aiohttp.ClientSession
    url: str
    chain: Adapter
    ledger: LedgerService
    clock: ManualClock
    not_ready: list[str]

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = BEARER,
    ) -> Answer:
        """Send a request; `path` goes out as it is. The answer must be one that the OpenAPI document names."""
        url = URL(self.url + path, encoded=True)
        async with self.http.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
            body = await answer.read()
            CONTRACT.check(method, path, answer.status, answer.headers, body)
            return Answer(answer.status, answer.headers, body)

    async def record(
        self, scanned_until: datetime | None, transfers: Sequence[Transfer] = (), proof: str | None = None
    ) -> None:
        """Hand the ledger a piece of the coin's history."""
        account = Account(self.chain.name, RECIPIENT, RECIPIENT, "ton")
        position = await self.ledger.position(account)
        cursor = str(int(position.cursor or 0) + 1)
        await self.ledger.record(Batch(account, tuple(transfers), position.cursor, cursor, scanned_until, proof))

    async def pay(
        self, invoice_id: UUID, amount: int, payer: str, tx_hash: str, time: int, proof: str | None = None
    ) -> None:
        """Record a payment in coins, made at `time`."""
        transfer = Transfer(tx_hash, 0, "ton", amount, payer, datetime.fromtimestamp(time, UTC), invoice_id)
        await self.record(None, [transfer], proof)


def public_routes(services: Services, domain: str | None) -> Sequence[PublicRoutes]:
    """Return all that is served to everybody. Streams tell how an invoice is, not what becomes of it: nothing looks."""
    database, chains, clock, signals, _ = services
    invoicing = Invoicing(*services)
    return (
        PublicInvoiceRoutes(invoicing, chains),
        SealedMetadataRoutes(SealedMetadata(database, chains, clock)),
        ManifestRoutes(domain),
        PageRoutes(invoicing, chains, clock, Site()),
        InvoiceStreamRoutes(InvoiceNews(database, signals), chains),
    )


def accounting_routes(services: Services) -> Sequence[PrivateRoutes]:
    """Return the routes of orders, credit, rates, exports and receipts."""
    database, chains, clock, _, _ = services
    accounts = Accounts(*services, unpaid_life=UNPAID_LIFE)
    return (
        OrderRoutes(accounts, Invoicing(*services), chains),
        AccountRoutes(accounts, Wallets(database, chains, clock), chains),
        RateRoutes(Rates(database, chains, clock, timedelta(hours=1))),
        ExportRoutes(Exports(database, chains)),
        PrintedReceiptRoutes(PrintedReceipts(database)),
    )


@asynccontextmanager
async def serving(
    database_uri: str,
    clock: ManualClock,
    settings: Mapping[str, str] = SETTINGS,
    domain: str | None = "pay.example.org",
) -> AsyncIterator[Api]:
    """Yield the API with these settings of TON."""
    registry = CollectorRegistry()
    metrics = Metrics(registry, "test")
    adapter = plugin.build(AdapterContext(clock, registry, settings))
    chains = Chains([adapter])
    not_ready: list[str] = []

    async def readiness() -> Sequence[str]:
        return not_ready

    async with Database.open(database_uri) as database:
        services = (database, chains, clock, Signals(database), metrics)
        private: Sequence[PrivateRoutes] = [
            InvoiceRoutes(Invoicing(*services), chains),
            PaymentRoutes(Payments(*services), chains),
            *accounting_routes(services),
        ]
        access_of = access(database, clock, TOKEN)
        public = public_routes(services, domain)
        app = build_api(chains, readiness, metrics, access_of, public, private)
        async with listen(app, "127.0.0.1", 0, SHUTDOWN_SECS) as [(host, port)], aiohttp.ClientSession() as http:
            yield Api(app, http, f"http://{host}:{port}", adapter, LedgerService(*services), clock, not_ready)
