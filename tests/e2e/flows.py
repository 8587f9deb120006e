"""What buyers do with an invoice, each from its creation to what the merchant must know in the end.

Every flow stops once in its middle: a test decides what happens there.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from uuid_utils.compat import uuid7

from tests.e2e.chain import payment_of
from tests.e2e.conftest import World
from tests.e2e.eventually import eventually
from tests.e2e.shop import DAY_SECS

PAST_THE_END_SECS: Final = 2
AMOUNT: Final = 3_000_000

Middle = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Way:
    """How the money comes."""

    currency: str
    by_text: bool = False
    notify: bool = True

    def __str__(self) -> str:
        return f"{self.currency}-{'text' if self.by_text else 'payload'}{'' if self.notify else '-silent'}"


WAYS: Final = (
    Way("TON"),
    Way("TON", by_text=True),
    Way("USDX"),
    Way("USDX", by_text=True),
    Way("USDX", notify=False),
    Way("EURX"),
    Way("EURX", by_text=True, notify=False),
)


@dataclass(frozen=True)
class Case:
    """One buyer who pays one invoice in one way."""

    world: World
    way: Way
    middle: Middle

    async def create(self, life_time: int = DAY_SECS) -> dict[str, Any]:
        """Create an invoice over AMOUNT."""
        return await self.world.shop.create(self.way.currency, AMOUNT, life_time)

    async def pay(self, invoice: dict[str, Any], amount: int = AMOUNT, reference: str | None = None) -> None:
        """Pay `amount` in this case's way; a `reference` replaces the invoice's id in the text."""
        details: dict[str, Any] = {} if self.way.notify else {"forward_amount_nano": 0}
        if self.way.by_text or reference:
            details["text"] = reference or invoice["id"]
        await self.world.chain.pay(payment_of(invoice, amount, **details))

    async def expect(self, invoice: dict[str, Any], status: str, overpayment: int) -> None:
        """Wait until the merchant has been told of `status`, and the API shows it with `overpayment`."""
        await self.world.backend.event(invoice["id"], status)

        async def shown() -> bool:
            seen = await self.world.shop.get(invoice["id"])
            assert seen["status"] == status
            return int(seen["overpayment"]) == overpayment

        await eventually(shown, f"{self.way}: overpayment {overpayment}")
        told = ["waiting"] if status == "waiting" else ["waiting", status]
        assert self.world.backend.statuses(invoice["id"]) == told


@dataclass(frozen=True)
class Booked:
    """What the ledger must hold of one reference, in the order in which it came."""

    reference: str
    classes: list[str]


async def exact(case: Case) -> Booked:
    invoice = await case.create()
    await case.pay(invoice)
    await case.middle()
    await case.expect(invoice, "paid", 0)
    return Booked(invoice["id"], ["exact"])


async def partial_then_rest(case: Case) -> Booked:
    invoice, first = await case.create(), AMOUNT // 3
    await case.pay(invoice, first)
    await case.middle()
    await case.expect(invoice, "waiting", first)
    await case.pay(invoice, AMOUNT - first)
    await case.expect(invoice, "paid", 0)
    return Booked(invoice["id"], ["partial", "exact"])


async def over(case: Case) -> Booked:
    invoice = await case.create()
    await case.pay(invoice, AMOUNT + 7)
    await case.middle()
    await case.expect(invoice, "paid", 7)
    return Booked(invoice["id"], ["over"])


async def twice(case: Case) -> Booked:
    invoice = await case.create()
    await case.pay(invoice)
    await case.middle()
    await case.pay(invoice)
    await case.expect(invoice, "paid", AMOUNT)
    return Booked(invoice["id"], ["exact", "duplicate"])


async def late(case: Case) -> Booked:
    invoice = await create_short_lived(case)
    await outlive(case.world, invoice)
    await case.pay(invoice)
    await case.middle()
    await case.expect(invoice, "expired", AMOUNT)
    return Booked(invoice["id"], ["late"])


async def after_cancel(case: Case) -> Booked:
    invoice = await case.create()
    await case.world.shop.cancel(invoice["id"])
    await case.middle()
    await case.pay(invoice)
    await case.expect(invoice, "cancelled", AMOUNT)
    return Booked(invoice["id"], ["after_cancel"])


async def unmatched(case: Case) -> Booked:
    """A payment with an unknown reference; the right one behind it shows that it has been dealt with."""
    invoice, stranger = await case.create(), str(uuid7())
    await case.pay(invoice, reference=stranger)
    await case.middle()
    await case.expect(invoice, "waiting", 0)
    await case.pay(invoice)
    await case.expect(invoice, "paid", 0)
    return Booked(stranger, ["unmatched"])


FLOWS: Final = (exact, partial_then_rest, over, twice, late, after_cancel, unmatched)


async def create_short_lived(case: Case) -> dict[str, Any]:
    """Create an invoice that lives for some seconds of chain time, which may be ahead of the daemon's clock."""
    ahead_secs = max(0, await case.world.chain.now() - int(time.time()))
    return await case.create(ahead_secs + 30)


async def outlive(world: World, invoice: dict[str, Any]) -> None:
    """Move the chain's time past the end of the invoice."""
    seconds = int(invoice["expire_at"]) - await world.chain.now() + PAST_THE_END_SECS
    await world.chain.advance(max(0, seconds))
