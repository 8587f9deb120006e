"""TON passes the contract that every chain passes."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from harvester.chain import Adapter
from harvester.domain.money import Currency
from harvester_ton.devnet.local import LocalTon
from harvester_ton.payload import InvoicePayload
from tests.contract.suite import WatchedWorld
from tests.contract.watching import WatchingContract
from tests.ton.watching import build, environ, needs_chain

pytestmark = needs_chain


class LocalWorld:
    """A local chain with one jetton."""

    def __init__(self, ton: LocalTon) -> None:
        self._ton = ton

    def adapter(self) -> Adapter:
        """See `World`."""
        return build(environ(self._ton, ["USDX"], KEY="00" * 32))

    def reconfigured_adapter(self) -> Adapter:
        """See `World`."""
        return build(environ(self._ton, RECIPIENT="0:" + "99" * 32))

    async def pay(self, currency: Currency, amount: int, invoice_id: UUID | None) -> None:
        """See `WatchedWorld`. Jettons without notification, whose nanoton would be a transfer of its own."""
        asset = currency.asset.removeprefix("jetton:")
        payload = InvoicePayload().boc(invoice_id) if invoice_id else None
        merchant = self._ton.wallet("merchant").address
        await self._ton.pay(merchant, amount, asset, payload=payload, forward_amount_nano=0)

    async def tick(self) -> None:
        """See `World`."""
        self._ton.advance(1)
        await self._ton.produce_block()


@pytest.fixture
async def world() -> AsyncIterator[WatchedWorld]:
    """A chain that moves when the tests say so."""
    async with LocalTon(jettons={"USDX": 6}) as ton:
        yield LocalWorld(ton)


class TestTon(WatchingContract):
    """All of it."""
