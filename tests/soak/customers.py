"""A storefront, hot wallets and customers who repeat whatever is not answered, and what must have come of it.

Every request goes to one of several processes by chance. Nobody knows whether what was not answered was done: it is
sent again, by wallets with their next nonce.
"""

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

import aiohttp

from tests.e2e.tari_shop import HOST, HotWallet, Owner
from tests.shopify.admin_server import AdminServer
from tests.tari.stories.storefront import CHECKOUT, Order, signed, webhook
from tests.tari.stories.story import NOTHING

PATIENCE_SECS: Final = 60.0
"""How long one thing may take, kills included."""
_PAUSE_SECS: Final = 0.05
_TWICE: Final = 0.2
"""How often something is sent again though it was answered."""

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_RUSHING: Final = 5
_PAYABLE: Final = 2

Act = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Wallet:
    """A hot wallet; it says one thing after the other."""

    hot: HotWallet = field(default_factory=HotWallet)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class Customers:
    """Makes customers, and keeps account of what must come of what they do."""

    sessions: Sequence[aiohttp.ClientSession]
    admin: AdminServer
    chance: random.Random
    wallets: Sequence[Wallet] = field(default_factory=lambda: [Wallet() for _ in range(3)])
    orders: dict[str, str] = field(default_factory=dict)
    """How each order must end, by its id."""
    rushes: list[tuple[Sequence[str], int]] = field(default_factory=list)
    """Of these orders so many must be paid, whichever, and the others wait."""
    paid: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Payer and amount in XTR of each payment, by its transaction."""
    left: dict[str, int] = field(default_factory=dict)
    """What each payer must have left, in XTR."""
    _prices: dict[str, str] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1_000_000))

    @classmethod
    @asynccontextmanager
    async def open(cls, urls: Sequence[str], admin: AdminServer, chance: random.Random) -> AsyncIterator[Self]:
        """Yield them; they come to the processes at `urls`."""
        async with AsyncExitStack() as stack:
            sessions = [await stack.enter_async_context(aiohttp.ClientSession(url)) for url in urls]
            yield cls(sessions, admin, chance)

    async def visit(self, count: int) -> None:
        """Let so many customers order and pay, all at once, at least one of whom signs; return when all is answered."""
        kinds = [self._claim, self._sign, self._name, self._fall_short, self._rush]
        async with asyncio.TaskGroup() as group:
            for kind in [self._claim, *self.chance.choices(kinds, k=count - 1)]:
                group.create_task(kind(Owner()))

    async def _claim(self, buyer: Owner) -> None:
        """Two orders, each claimed by its owner; the money comes in parts, before or after."""

        async def order_and_claim(order: Order) -> None:
            await self._place(order)
            await self._claim_order(buyer, order)

        await self._buy(buyer, order_and_claim)

    async def _sign(self, buyer: Owner) -> None:
        """The same with signed notes."""

        async def order(order: Order) -> None:
            await self._place(order, {"note": json.dumps(buyer.claim(order.id))})

        await self._buy(buyer, order)

    async def _buy(self, buyer: Owner, order: Callable[[Order], Awaitable[None]]) -> None:
        customer, prices = next(self._numbers), [self.chance.randint(1, 99) for _ in range(2)]
        orders = [self._order(customer, price, "paid") for price in prices]
        first = self.chance.randint(1, sum(prices))
        parts = [first, sum(prices) + 1 - first]
        self.left[buyer.payer] = 1
        await self._all([*(self._act(order, each) for each in orders), *(self._payment(buyer, part) for part in parts)])

    async def _name(self, buyer: Owner) -> None:
        """An order that nobody signs for, and money that names it."""
        order = self._order(next(self._numbers), price := self.chance.randint(1, 99), "paid")
        self.left[buyer.payer] = 2
        await self._all([self._act(self._place, order), self._payment(buyer, price + 2, order.id)])

    async def _fall_short(self, buyer: Owner) -> None:
        """An order that costs more than comes for it."""
        order = self._order(next(self._numbers), price := self.chance.randint(2, 99), "waiting")
        self.left[buyer.payer] = price - 1
        note = {"note": json.dumps(buyer.claim(order.id))}
        await self._all([lambda: self._place(order, note), self._payment(buyer, price - 1)])

    async def _rush(self, buyer: Owner) -> None:
        """Orders of many customers that one address claims at the same moment, with money for some of them."""
        price = self.chance.randint(1, 99)
        orders = [self._order(next(self._numbers), price) for _ in range(_RUSHING)]
        self.rushes.append(([order.id for order in orders], _PAYABLE))
        self.left[buyer.payer] = 0
        await self._all([self._payment(buyer, price * _PAYABLE), *(self._act(self._place, order) for order in orders)])
        await asyncio.gather(*(self._claim_order(buyer, order) for order in orders))

    async def _claim_order(self, buyer: Owner, order: Order) -> None:
        claim = json.dumps(buyer.claim(order.id)).encode()
        await self._send("/order/claim", lambda: claim, {200, 400})  # 400: that of another order has paid it, too

    def _order(self, customer: int, price: int, end: str | None = None) -> Order:
        number = next(self._numbers)
        order = Order(str(number), number, customer)
        self._prices[order.id] = f"{price}.00"
        if end:
            self.orders[order.id] = end
        return order

    def _act(self, act: Callable[[Order], Awaitable[None]], order: Order) -> Act:
        return lambda: act(order)

    def _payment(self, payer: Owner, xtr: int, order_id: str | None = None) -> Act:
        """Return what reports and confirms a payment."""
        txid = f"tx{next(self._numbers)}"
        self.paid[txid] = payer.payer, xtr

        async def report_and_confirm() -> None:
            await self._tell("incoming_payment", lambda hot: hot.payment(payer, xtr, txid, order_id=order_id))
            await self._tell("tx_confirmation", lambda hot: hot.confirmation(txid))

        return report_and_confirm

    async def _all(self, acts: Sequence[Act]) -> None:
        """Do them at once, or one after the other in any order."""
        acts = self.chance.sample(acts, len(acts))
        if self.chance.random() < 0.5:
            await asyncio.gather(*(act() for act in acts))
            return
        for act in acts:
            await act()

    async def _place(self, order: Order, says: Mapping[str, object] = NOTHING) -> None:
        self.admin.order(order.id)
        says = {"created_at": "2026-03-10T15:00:00Z", **says}
        body, headers = signed(webhook(order, self._prices[order.id], says))
        await self._send(CHECKOUT, lambda: body, {200}, headers)

    async def _tell(self, what: str, message: Callable[[HotWallet], dict[str, object]]) -> None:
        wallet = self.chance.choice(self.wallets)
        async with wallet.turn:
            headers = {"X-Forwarded-For": HOST}
            await self._send(f"/wallet/{what}", lambda: json.dumps(message(wallet.hot)).encode(), {200}, headers)

    async def _send(
        self, path: str, body: Callable[[], bytes], expected: set[int], headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        """Send until it is answered, and sometimes once more; each time what `body` returns then."""
        async with asyncio.timeout(PATIENCE_SECS):
            while (  # noqa: ASYNC110 - what is asked is another process
                not await self._is_answered(path, body(), expected, headers) or self.chance.random() < _TWICE
            ):
                await asyncio.sleep(_PAUSE_SECS)

    async def _is_answered(self, path: str, body: bytes, expected: set[int], headers: Mapping[str, str]) -> bool:
        headers = {"Content-Type": "application/json", **headers}
        try:
            async with self.chance.choice(self.sessions).post(path, data=body, headers=headers) as answer:
                text = await answer.text()
        except aiohttp.ClientError:  # nobody is there, or he has died of it
            return False
        assert answer.status in expected | {503}, f"{path}: {answer.status} {text}"
        return answer.status != 503
