"""A thousand buyers at once."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import pytest

from tests.e2e.chain import payment_of
from tests.e2e.conftest import World

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]

INVOICES: Final = 1_000
PER_BLOCK: Final = 50
CLIENTS: Final = 16
CURRENCIES: Final = ("TON", "TON", "USDX", "TON", "EURX")


async def create_all(world: World) -> list[dict[str, Any]]:
    """Create invoices from several clients at once, each over an amount of its own."""
    clients = asyncio.Semaphore(CLIENTS)

    async def create(number: int) -> dict[str, Any]:
        async with clients:
            return await world.shop.create(CURRENCIES[number % len(CURRENCIES)], 1_000_000 + number)

    return await asyncio.gather(*(create(number) for number in range(INVOICES)))


def payments_for(invoices: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pay every other invoice by text, and every third jetton in silence; an exchange sends to many at once."""
    payments = []
    for number, invoice in enumerate(invoices):
        details: dict[str, Any] = {"from": "exchange", "forward_amount_nano": 0 if number % 3 == 0 else 1}
        if number % 2:
            details["text"] = invoice["id"]
        payments.append(payment_of(invoice, **details))
    return payments


async def test_a_thousand_payments_in_bursts_settle_a_thousand_invoices_once(world: World) -> None:
    before = await world.chain.received()
    invoices = await create_all(world)
    await world.chain.burst(payments_for(invoices), PER_BLOCK)
    await world.backend.until(lambda: len(world.backend.deliveries) >= 2 * INVOICES, 60)

    assert len(world.backend.deliveries) == 2 * INVOICES
    for invoice in invoices:
        assert [delivery.status for delivery in world.backend.of(invoice["id"])] == ["waiting", "paid"]

    shown = await world.shop.list()
    assert Counter((each["status"], each["overpayment"]) for each in shown) == {("paid", "0"): INVOICES}
    totals: Counter[str] = Counter()
    for invoice in shown:
        jetton = invoice.get("jetton_info")
        totals[f"jetton:{jetton['address']}" if jetton else "ton"] += int(invoice["amount"])
    after = await world.chain.received()
    jettons = {asset: after[asset] - before[asset] for asset in after if asset != "ton"}
    assert {asset: total for asset, total in totals.items() if asset != "ton"} == jettons
    assert totals["ton"] == after["ton"] - before["ton"] - notifications(invoices)


def notifications(invoices: Sequence[dict[str, Any]]) -> int:
    """Nanotons that came along with jettons, one with each notification, and are no payment."""
    return sum("jetton_info" in invoice and number % 3 != 0 for number, invoice in enumerate(invoices))
