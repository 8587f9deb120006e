"""Tari keeps the contract of every chain; what it is told of by wallets, it is told of at its routes."""

import pytest
from prometheus_client import CollectorRegistry

from harvester.chain import Adapter, AdapterContext
from harvester_tari.adapter import TariAdapter
from harvester_tari.address import Address
from harvester_tari.settings import TariSettings
from tests.clock import ManualClock
from tests.contract.suite import AdapterContract, World
from tests.tari.builders import ADDRESS, OTHER_ADDRESS

INTERVAL_SECS = 0.01


class TariWorld:
    """A clock: nothing else is looked at."""

    def __init__(self) -> None:
        self._clock = ManualClock()

    def adapter(self) -> Adapter:
        """See `World`."""
        return self._build(ADDRESS)

    def reconfigured_adapter(self) -> Adapter:
        """See `World`."""
        return self._build(OTHER_ADDRESS)

    async def tick(self) -> None:
        """See `World`."""
        self._clock.advance(1)

    def _build(self, wallet: Address) -> Adapter:
        settings = TariSettings.load({"TPG_PAYMENT_WALLET_ADDRESS": str(wallet)})
        return TariAdapter(settings, AdapterContext(self._clock, CollectorRegistry(), {}), INTERVAL_SECS)


class TestTari(AdapterContract[World]):
    """All of it."""

    @pytest.fixture
    def world(self) -> World:
        """A world of its own for each test."""
        return TariWorld()
