"""The chain in memory keeps the adapter contract: the core needs nothing that only TON has."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest

from harvester.chain import Adapter
from harvester.domain.money import Currency
from tests.clock import ManualClock
from tests.contract.watching import WatchingContract
from tests.memory_chain import COIN, MemoryChain


@dataclass
class MemoryWorld:
    """Adapters that share their histories, as processes share a chain."""

    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self._chain = MemoryChain(self.clock)

    def adapter(self) -> Adapter:
        """See `World`."""
        return MemoryChain(self.clock, histories=self._chain.histories)

    def reconfigured_adapter(self) -> Adapter:
        """See `World`."""
        return MemoryChain(self.clock, histories=self._chain.histories, recipient="other", assets=(COIN,))

    async def pay(self, currency: Currency, amount: int, invoice_id: UUID | None) -> None:
        """See `WatchedWorld`."""
        self._chain.pay(amount, invoice_id, currency.asset)
        await self.tick()

    async def tick(self) -> None:
        """See `World`."""
        self.clock.advance(1)


class TestMemoryChain(WatchingContract):
    """Runs the suite."""

    @pytest.fixture
    def world(self) -> MemoryWorld:
        """A world of its own for each test."""
        return MemoryWorld()
