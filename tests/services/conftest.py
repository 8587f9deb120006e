"""The core on a real database and a chain in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from harvester.domain.invoice import Invoice
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.invoicing import Draft, Invoicing
from harvester.services.ledger import LedgerService
from harvester.services.payments import Payments
from harvester.storage.database import Database
from harvester.storage.signals import Signals
from tests.clock import ManualClock
from tests.memory_chain import MemoryChain


@dataclass
class Shop:
    """Everything that a test of the core needs."""

    database: Database
    clock: ManualClock = field(default_factory=ManualClock)
    tolerance_ppm: int = 0
    world: MemoryChain | None = None
    """The chain, if it is shared with another shop."""
    credit_unmatched: bool = False

    def __post_init__(self) -> None:
        self.chain = self.world or MemoryChain(self.clock)
        self.chains = Chains([self.chain])
        self.metrics = Metrics(CollectorRegistry(), "test")
        self.signals = Signals(self.database)
        services = (self.database, self.chains, self.clock, self.signals, self.metrics)
        self.invoicing = Invoicing(*services)
        self.ledger = LedgerService(*services, tolerance_ppm=self.tolerance_ppm, credit_unmatched=self.credit_unmatched)
        self.payments = Payments(*services, tolerance_ppm=self.tolerance_ppm)

    async def invoice(self, amount: int = 100, life_time_secs: int = 60, ticker: str = "MEM") -> Invoice:
        """Create an invoice."""
        return await self.invoicing.create(Draft(amount, ticker, life_time_secs), "test")

    async def scan(self) -> None:
        """Hand everything new of both assets to the ledger."""
        for asset in self.chain.histories:
            await self.chain.scan(self.ledger, asset)

    async def rows(self, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """Look into the database."""
        async with self.database.connection() as connection:
            return list(await connection.fetch(query, *arguments))

    async def classes(self, invoice_id: UUID | None = None) -> list[str]:
        """Return the classes of all payments, or of one invoice's, oldest first."""
        rows = await self.rows(
            "SELECT class FROM payments WHERE $1::uuid IS NULL OR invoice_id = $1 ORDER BY id", invoice_id
        )
        return [row["class"] for row in rows]

    async def events(self, invoice_id: UUID) -> list[tuple[int, str]]:
        """Return (sequence, type) of the events of the invoice's state, in order."""
        rows = await self.rows(
            "SELECT sequence, type FROM events WHERE invoice_id = $1 AND sequence IS NOT NULL ORDER BY sequence",
            invoice_id,
        )
        return [(row["sequence"], row["type"]) for row in rows]


@pytest.fixture
def shop(database: Database) -> Shop:
    """A shop on a fresh database."""
    return Shop(database)
