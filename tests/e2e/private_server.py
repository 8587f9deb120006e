"""The private routes of events and endpoints, over real HTTP, on a real database and a chain in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp
from prometheus_client import CollectorRegistry

from harvester.api.app import build_api, listen
from harvester.api.endpoints import EndpointRoutes
from harvester.api.events import EventRoutes
from harvester.api.invoices import InvoiceRoutes
from harvester.domain.egress import EgressRules
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.endpoints import Endpoints
from harvester.services.event_feed import EventFeed
from harvester.services.invoicing import Draft, Invoicing
from harvester.services.outbox import Outbox
from harvester.storage.database import Database
from harvester.storage.signals import Signals
from harvester.webhooks.client import WebhookClient
from tests.access import access
from tests.clock import ManualClock
from tests.memory_chain import MemoryChain

TOKEN = "token-of-a-test-shop"
PRIVATE = "/tonpay/private/api/v1"


@dataclass
class Server:
    """A running API, and what is behind it."""

    http: aiohttp.ClientSession
    database: Database
    feed: EventFeed
    invoicing: Invoicing
    clock: ManualClock
    signals: Signals

    async def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Send a request to a private path; return status and JSON."""
        async with self.http.request(method, PRIVATE + path, json=body, headers=headers) as answer:
            text = await answer.read()
            return answer.status, (await answer.json() if text else None)

    async def invoice(self) -> UUID:
        """Make an invoice, which makes an event."""
        return (await self.invoicing.create(Draft(100, "MEM", 60), "test")).id


@asynccontextmanager
async def serving(
    database_uri: str, rules: EgressRules | None = None, heartbeat_secs: float = 15.0
) -> AsyncIterator[Server]:
    """Yield the API."""
    clock, rules = ManualClock(datetime.now(UTC)), rules or EgressRules()
    chains, metrics = Chains([MemoryChain(clock)]), Metrics(CollectorRegistry(), "test")

    async def ready() -> Sequence[str]:
        return []

    async with (
        Database.open(database_uri) as database,
        WebhookClient.open({}, clock, "test", timeout_secs=5, rules=rules) as client,
    ):
        signals = Signals(database)
        feed = EventFeed(database, signals)
        invoicing = Invoicing(database, chains, clock, signals, metrics)
        endpoints = Endpoints(database, signals, clock, client, rules)
        private = (
            InvoiceRoutes(invoicing, chains),
            EventRoutes(feed, heartbeat_secs),
            EndpointRoutes(endpoints, Outbox(database, signals, clock)),
        )
        app = build_api(chains, ready, metrics, access(database, clock, TOKEN), (), private)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            listen(app, "127.0.0.1", 0) as [(host, port)],
            aiohttp.ClientSession(f"http://{host}:{port}", headers=headers) as http,
        ):
            try:
                yield Server(http, database, feed, invoicing, clock, signals)
            finally:
                await _end(feed)


async def _end(feed: EventFeed) -> None:
    """End the streams, as a daemon that stops does: the listener waits for them."""
    stop = asyncio.Event()
    stop.set()
    await feed.run(stop)
