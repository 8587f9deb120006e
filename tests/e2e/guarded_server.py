"""The API with tokens, keys and limits, over real HTTP, on a real database and a chain in memory.

A proxy at 127.0.0.1 is believed: requests come from the address that X-Forwarded-For says.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy
from prometheus_client import CollectorRegistry

from harvester.api.app import build_api, listen
from harvester.api.auth import Access
from harvester.api.endpoints import EndpointRoutes
from harvester.api.events import EventRoutes
from harvester.api.invoices import InvoiceRoutes, PublicInvoiceRoutes
from harvester.api.limits import Limits
from harvester.api.payments import PaymentRoutes
from harvester.api.rates import RateRoutes
from harvester.api.tokens import TokenRoutes
from harvester.chain import Batch
from harvester.domain.access import ENVIRONMENT, Scope
from harvester.domain.egress import EgressRules
from harvester.metrics import Metrics
from harvester.services.authentication import Authentication
from harvester.services.chains import Chains
from harvester.services.endpoints import Endpoints
from harvester.services.event_feed import EventFeed
from harvester.services.idempotency import Keys
from harvester.services.invoicing import Invoicing
from harvester.services.ledger import LedgerService
from harvester.services.outbox import Outbox
from harvester.services.payments import Payments
from harvester.services.rates import Rates
from harvester.services.tokens import Tokens
from harvester.storage.database import Database
from harvester.storage.signals import Signals
from harvester.webhooks.client import WebhookClient
from tests.clock import ManualClock
from tests.e2e.api_server import SHUTDOWN_SECS
from tests.memory_chain import MemoryChain

TOKEN = "token-of-the-environment"
PRIVATE = "/tonpay/private/api/v1"
PUBLIC = "/tonpay/public/api/v1"
LOCAL = ip_network("127.0.0.0/8")
DRAFT = {"amount": "5", "currency": "MEM", "life_time": 60, "metadata": {"merchant_name": "m"}}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: CIMultiDictProxy[str]
    text: str
    json: Any


@dataclass
class Guarded:
    """A running API, and what is behind it."""

    http: aiohttp.ClientSession
    database: Database
    clock: ManualClock
    signals: Signals
    authentication: Authentication
    keys: Keys
    tokens: Tokens
    registry: CollectorRegistry
    ledger: LedgerService
    chain: MemoryChain
    statements: list[str] = field(default_factory=list)
    """What the database was asked to do."""

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = TOKEN,
        *,
        key: str | None = None,
        address: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request; a path that does not begin with `/` is a private one."""
        bearer = None if token is None else f"Bearer {token}"
        ours = {"Authorization": bearer, "Idempotency-Key": key, "X-Forwarded-For": address}
        sent = {name: value for name, value in (*(headers or {}).items(), *ours.items()) if value is not None}
        at = path if path.startswith("/") else f"{PRIVATE}/{path}"
        async with self.http.request(method, at, json=body, headers=sent) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json" and bool(text)
            return Answer(answer.status, answer.headers, text, await answer.json() if is_json else None)

    async def token(self, name: str, *scopes: Scope, life_secs: int | None = None) -> str:
        """Make a token and return its text."""
        return (await self.tokens.create(name, scopes, life_secs, ENVIRONMENT))[1]

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric."""
        value = self.registry.get_sample_value(name, labels)
        assert value is not None, name
        return value

    async def rows(self, query: str, *arguments: object) -> Sequence[Any]:
        """What the database says."""
        async with self.database.connection() as connection:
            found: Sequence[Any] = await connection.fetch(query, *arguments)
            return found

    async def unmatched_payment(self) -> int:
        """Record a payment that names no invoice, and return its id."""
        account = self.chain.account()
        cursor = (await self.ledger.position(account)).cursor
        following = str(int(cursor or 0) + 1)
        await self.ledger.record(Batch(account, (self.chain.pay(5),), cursor, following, None))
        [row] = await self.rows("SELECT max(id) AS id FROM payments")
        number: int = row["id"]
        return number


@asynccontextmanager
async def serving(
    database_uri: str, clock: ManualClock | None = None, limits: Limits | None = None
) -> AsyncIterator[Guarded]:
    """Yield the API on this database."""
    clock, registry, statements = clock or ManualClock(), CollectorRegistry(), list[str]()
    chain, metrics, rules = (
        MemoryChain(clock),
        Metrics(registry, "test"),
        EgressRules(allow_http=True, networks=(LOCAL,)),
    )
    chains = Chains([chain])

    async def ready() -> Sequence[str]:
        return []

    def observe(operation: str, _secs: float) -> None:
        statements.append(operation)

    async with (
        Database.open(database_uri, observe=observe) as database,
        WebhookClient.open({}, clock, "test", timeout_secs=5, rules=rules) as client,
    ):
        signals = Signals(database)
        services = (database, chains, clock, signals, metrics)
        authentication = Authentication(database, signals, clock, lambda: clock().timestamp())
        keys, tokens = Keys(database, clock), Tokens(database, clock)
        invoicing = Invoicing(*services)
        private = (
            InvoiceRoutes(invoicing, chains),
            PaymentRoutes(Payments(*services), chains),
            EventRoutes(EventFeed(database, signals)),
            EndpointRoutes(Endpoints(database, signals, clock, client, rules), Outbox(database, signals, clock)),
            TokenRoutes(tokens),
            RateRoutes(Rates(database, chains, clock, timedelta(hours=1))),
        )
        access = Access(TOKEN, authentication, keys, limits or Limits(trusted_proxies=(LOCAL,)))
        app = build_api(chains, ready, metrics, access, [PublicInvoiceRoutes(invoicing, chains)], private)
        async with (
            listen(app, "127.0.0.1", 0, SHUTDOWN_SECS) as [(host, port)],
            aiohttp.ClientSession(f"http://{host}:{port}") as http,
        ):
            yield Guarded(
                http=http,
                database=database,
                clock=clock,
                signals=signals,
                authentication=authentication,
                keys=keys,
                tokens=tokens,
                registry=registry,
                ledger=LedgerService(*services),
                chain=chain,
                statements=statements,
            )
