"""A merchant with the real ledger, whose adapter asks the hostile lite server before the honest one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from prometheus_client import CollectorRegistry

from harvester.chain import AdapterContext
from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import Status
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.invoicing import Draft, Invoicing
from harvester.services.ledger import LedgerService
from harvester.storage.database import Database
from harvester.storage.signals import Signals
from harvester_ton.adapter import TonAdapter
from harvester_ton.devnet.local import LocalTon, Payment
from harvester_ton.node import Node, Patience
from harvester_ton.payload import InvoicePayload
from harvester_ton.settings import TonSettings
from harvester_ton.verification import Reason
from tests.ton.hostile.lies import Lie
from tests.ton.hostile.worlds import HOSTILE, Clock, make_hostile, merchant, overtake
from tests.ton.watching import environ

AMOUNT: Final = 3_000_000
DAY_SECS: Final = 86_400
"""Life of the invoice."""
PATIENCE_SECS: Final = 30
FIRST_TO_BE_ASKED_SECS: Final = -1e9
"""A latency that no other server undercuts."""
HASTE: Final = Patience(connect=1, query=1, follow=1, follow_grace=0.2, aside=0.2, distrust=0.2, lag=5)


class Shop:
    """Has one open invoice, which money that comes, and money that never was, is meant for."""

    def __init__(self, ton: LocalTon, adapter: TonAdapter, registry: CollectorRegistry, invoicing: Invoicing) -> None:
        self.adapter = adapter
        self.invoice: Invoice
        self._ton = ton
        self._registry = registry
        self._invoicing = invoicing

    async def open(self, ticker: str) -> None:
        """Wait until all servers are in use and everything is scanned; then create the invoice."""
        await eventually(lambda: len(self.adapter._pool.usable()) == len(self._ton.servers), "servers in use")
        await eventually(lambda: self.adapter.health().ready, "ready")
        self.invoice = await self._invoicing.create(Draft(AMOUNT, ticker, DAY_SECS), "test")

    async def pay(self, among: Sequence[int] = ()) -> None:
        """Settle the invoice, between other payments with these amounts in the same block."""
        others = [Payment(merchant(self._ton), amount) for amount in among]
        await self._ton.burst([*others, self._payment(), *others])

    async def steal(self, other: LocalTon) -> None:
        """Settle the invoice on a chain that nobody should believe, and make that the longer one."""
        await other.burst([self._payment()])
        await overtake(other, self._ton)

    def _payment(self) -> Payment:
        asset = "ton" if self.invoice.ticker == "TON" else self.invoice.ticker
        return Payment(merchant(self._ton), AMOUNT, asset, payload=InvoicePayload().boc(self.invoice.id))

    async def hear(self, lie: Lie) -> None:
        """Be lied to from now on, by the server that is asked first, about the next block and what it asks for."""
        make_hostile(self._ton, lie)
        self.hostile.latency_secs = FIRST_TO_BE_ASKED_SECS
        await self._ton.produce_block()

    @property
    def hostile(self) -> Node:
        """The hostile server as the adapter sees it."""
        name = f"127.0.0.1:{self._ton.servers[HOSTILE].port}"
        return next(node for node in self.adapter._pool.nodes if node.name == name)

    async def refused(self, reason: Reason) -> None:
        """Wait until an answer was refused for this reason, and its server put aside."""
        await eventually(lambda: self.refusals().get(reason, 0) > 0, f"refused as {reason}")
        await eventually(lambda: self.hostile.fault is not None, "put aside")

    def refusals(self) -> dict[Reason, float]:
        """How many answers were refused, by reason, as the metrics count them."""
        name = "harvester_ton_proof_checks_total"
        counts = {reason: self._registry.get_sample_value(name, {"result": reason}) or 0 for reason in Reason}
        return {reason: count for reason, count in counts.items() if count}

    async def unpaid(self) -> None:
        """Nothing may have come."""
        assert await self._standing() == (Status.WAITING, 0)

    async def paid(self) -> None:
        """Wait until the invoice is paid; nothing but the one real payment may have come for it."""

        async def is_paid() -> bool:
            return (await self._standing())[0] is Status.PAID

        await eventually(is_paid, "paid")
        assert await self._standing() == (Status.PAID, AMOUNT)

    async def _standing(self) -> tuple[Status, int]:
        now = await self._invoicing.get(self.invoice.id)
        return now.status, now.received


async def eventually(condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Wait until `condition` holds, of other tasks and what they store."""
    try:
        async with asyncio.timeout(PATIENCE_SECS):
            while not await _holds(condition):  # noqa: ASYNC110 # nothing announces it
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within {PATIENCE_SECS} s: {what}") from None


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    found = condition()
    return found if isinstance(found, bool) else await found


class Doors:
    """Opens shops on the honest chain."""

    def __init__(self, ton: LocalTon, database: Database, clock: Clock) -> None:
        self._ton, self._database, self._clock = ton, database, clock

    @asynccontextmanager
    async def open(self, ticker: str = "TON", verify: str = "proofs") -> AsyncIterator[Shop]:
        """Yield a shop with an open invoice. It watches the one asset and the coins; nobody lies yet."""
        make_hostile(self._ton, None)
        registry = CollectorRegistry()
        adapter = TonAdapter(*self._configured(registry, [] if ticker == "TON" else [ticker], verify), HASTE)
        services = (self._database, Chains([adapter]), self._clock.moment, Signals(self._database))
        invoicing = Invoicing(*services, Metrics(registry, "test"))
        ledger = LedgerService(*services, invoicing._metrics)
        shop, stop = Shop(self._ton, adapter, registry, invoicing), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(adapter.run(ledger, stop))
            try:
                await shop.open(ticker)
                yield shop
            finally:
                stop.set()

    def _configured(
        self, registry: CollectorRegistry, jettons: Sequence[str], verify: str
    ) -> tuple[TonSettings, AdapterContext]:
        settings = environ(self._ton, jettons, VERIFY=verify)
        return TonSettings.load(settings), AdapterContext(self._clock.moment, registry, settings)


async def refuses_to_believe(shop: Shop, lie: Lie, reason: Reason) -> None:
    """Forged money is refused, the invoice waits, and the real payment settles it."""
    await shop.hear(lie)
    await shop.refused(reason)
    await shop.unpaid()
    await shop.pay()
    await shop.paid()


async def misses_nothing(shop: Shop, lie: Lie, reason: Reason) -> None:
    """Money is hidden: the answer is refused, and the honest server shows the payment."""
    await shop.hear(lie)
    await shop.pay(among=(7, 8))
    await shop.refused(reason)
    await shop.paid()
