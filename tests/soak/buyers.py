"""Buyers who pay in every way there is, and what the ledger must hold of each in the end."""

import itertools
import random
import time
from dataclasses import dataclass, field
from typing import Any, Final

from uuid_utils.compat import uuid7

from tests.e2e.chain import Chain, payment_of
from tests.e2e.shop import DAY_SECS, Shop

CURRENCIES: Final = ("TON", "TON", "USDX", "EURX")
SHORT_LIFE_SECS: Final = 90
FILLERS: Final = 600
"""More than one batch holds."""
_PER_BLOCK: Final = 300
_LEAST: Final = 1_000_000


@dataclass(frozen=True)
class Paid:
    """One payment on the chain; its amount is its own."""

    asset: str
    amount: int


@dataclass(frozen=True)
class Order:
    """An invoice and what must have become of it in the end."""

    invoice_id: str
    status: str
    received: int


@dataclass
class Buyers:
    """Makes orders and payments, and keeps account of them."""

    chain: Chain
    chance: random.Random
    never: bool = True
    """Whether some of them never pay; such invoices expire in the end."""
    orders: list[Order] = field(default_factory=list)
    paid: list[Paid] = field(default_factory=list)
    last_end: int = 0
    """When the last short-lived invoice ends, in Unix seconds."""
    _pending: list[dict[str, Any]] = field(default_factory=list)
    _amounts: "itertools.count[int]" = field(default_factory=lambda: itertools.count(_LEAST))

    async def order(self, shop: Shop, count: int) -> None:
        """Create invoices, and make up the payments that will be made for them."""
        kinds = [self._exact, self._in_parts, self._in_part, self._over, self._twice, self._cancelled]
        kinds += [self._never] if self.never else []
        for kind in self.chance.choices(kinds, k=count):
            await kind(shop, self.chance.choice(CURRENCIES))
        self._stray()

    async def pay(self) -> None:
        """Make the payments that are made up, in as few blocks as they fit in."""
        payments, self._pending = self._pending, []
        if payments:
            await self.chain.burst(payments, _PER_BLOCK)

    async def pay_much(self) -> None:
        """Make so many payments that belong to nobody that they take more than one batch."""
        for _ in range(FILLERS):
            self._stray()
        await self.pay()

    async def _exact(self, shop: Shop, currency: str) -> None:
        invoice, amount = await self._invoice(shop, currency, parts=1)
        self._expect(invoice, "paid", amount)

    async def _in_parts(self, shop: Shop, currency: str) -> None:
        invoice, amount = await self._invoice(shop, currency, parts=2)
        self._expect(invoice, "paid", amount)

    async def _in_part(self, shop: Shop, currency: str) -> None:
        invoice, amount = await self._invoice(shop, currency, parts=1, missing=1)
        self._expect(invoice, "waiting", amount)

    async def _over(self, shop: Shop, currency: str) -> None:
        invoice, amount = await self._invoice(shop, currency, parts=1, missing=-1)
        self._expect(invoice, "paid", amount)

    async def _twice(self, shop: Shop, currency: str) -> None:
        invoice, amount = await self._invoice(shop, currency, parts=1)
        again = next(self._amounts)
        self._make(invoice, again)
        self._expect(invoice, "paid", amount + again)

    async def _never(self, shop: Shop, currency: str) -> None:
        ahead_secs = max(0, await self.chain.now() - int(time.time()))
        invoice = await shop.create(currency, next(self._amounts), ahead_secs + SHORT_LIFE_SECS)
        self.last_end = max(self.last_end, int(invoice["expire_at"]))
        self._expect(invoice, "expired", 0)

    async def _cancelled(self, shop: Shop, currency: str) -> None:
        invoice, amount = await self._invoice(shop, currency, parts=1)
        await shop.cancel(invoice["id"])
        self._expect(invoice, "cancelled", amount)

    async def _invoice(self, shop: Shop, currency: str, parts: int, missing: int = 0) -> tuple[dict[str, Any], int]:
        """Create an invoice that `parts` payments will settle but for `missing`; return it and their sum."""
        amounts = [next(self._amounts) for _ in range(parts)]
        invoice = await shop.create(currency, sum(amounts) + missing, DAY_SECS)
        for amount in amounts:
            self._make(invoice, amount)
        return invoice, sum(amounts)

    def _make(self, invoice: dict[str, Any], amount: int) -> None:
        details: dict[str, Any] = {"forward_amount_nano": self.chance.randrange(2)}
        if self.chance.randrange(2):
            details["text"] = invoice["id"]
        self._add(payment_of(invoice, amount, **details))

    def _stray(self) -> None:
        """Make up a payment for an invoice that never was."""
        self._add(
            {"to": self.chain.recipient, "asset": "ton", "amount": str(next(self._amounts)), "text": str(uuid7())}
        )

    def _add(self, payment: dict[str, Any]) -> None:
        self._pending.append(payment)
        asset = payment["asset"]
        self.paid.append(Paid(asset if asset == "ton" else f"jetton:{asset}", int(payment["amount"])))

    def _expect(self, invoice: dict[str, Any], status: str, received: int) -> None:
        self.orders.append(Order(invoice["id"], status, received))
