"""Exports: every row once, in order, with what it was worth when it came."""

import csv
import io
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from decimal import Decimal

import pytest

from harvester.domain.acts import By
from harvester.domain.rates import Money
from harvester.services import exports
from harvester.services.exports import INVOICE_COLUMNS, PAYMENT_COLUMNS, Exports, Wanted
from harvester.services.invoicing import Draft
from harvester.services.rates import Rates
from harvester.storage.database import Database
from tests.memory_chain import COIN, TOKEN, MemoryChain
from tests.services.conftest import Shop
from tests.services.counter import Counter

USD = Wanted(currency="USD")


class Books:
    """A shop, its rates, and its exports."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.rates = Rates(shop.database, shop.chains, shop.clock, timedelta(hours=1))
        self.exports = Exports(shop.database, shop.chains)

    async def say(self, rate: str, valid_secs: int | None = None, ticker: str = "MEM") -> None:
        await self.rates.add(self.rates.pair("USD", ticker), Decimal(rate), "cli:bob", valid_secs)

    async def payments(self, wanted: Wanted = USD) -> list[dict[str, str]]:
        return await read(self.exports.payments(wanted), PAYMENT_COLUMNS)

    async def invoices(self, wanted: Wanted = USD) -> list[dict[str, str]]:
        return await read(self.exports.invoices(wanted), INVOICE_COLUMNS)


async def read(table: AsyncGenerator[bytes, None], columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a table with a program that did not write it."""
    async with aclosing(table):
        raw = b"".join([piece async for piece in table])
    head, *rows = csv.reader(io.StringIO(raw.decode(), newline=""), strict=True)
    assert tuple(head) == columns
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture
def books(shop: Shop) -> Books:
    return Books(shop)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE", 3)


async def test_a_payment_has_its_invoice_and_its_value(books: Books) -> None:
    shop = books.shop
    await books.say("2.5")
    made = shop.clock()
    invoice = await shop.invoicing.create(Draft(1_500_000_000, "MEM", 60, order_id="=1+1"), "test")
    shop.clock.advance(7)
    transfer = shop.chain.pay(1_500_000_000, invoice.id, payer="alice")
    await shop.scan()
    [row] = await books.payments()
    assert row == {
        "time": "2026-01-01T00:00:07Z",
        "tx_hash": transfer.tx_hash,
        "transfer_index": "0",
        "payer": "alice",
        "amount": "1.5",
        "ticker": "MEM",
        "class": "exact",
        "standing": "recorded",
        "invoice_id": str(invoice.id),
        "order_id": "'=1+1",
        "currency": "USD",
        "value": "3.75",
        "rate": "2.5",
        "rate_at": "2026-01-01T00:00:00Z",
        "rate_source": "cli:bob",
        "payment_id": row["payment_id"],
        "chain": "memory",
        "asset": COIN,
        "amount_base_units": "1500000000",
        "confirmed": "yes",
    }
    assert made == invoice.created_at


async def test_a_value_is_that_of_the_last_rate_before_the_payment_if_it_was_valid_then(books: Books) -> None:
    shop = books.shop
    shop.chain.pay(10**9, payer="before_any")
    shop.clock.advance(1)
    await books.say("1", valid_secs=3600)
    await books.say("2", valid_secs=60)
    shop.chain.pay(10**9, payer="at_the_moment")
    shop.clock.advance(59)
    shop.chain.pay(10**9, payer="just_valid")
    shop.clock.advance(1)
    shop.chain.pay(10**9, payer="has_ended")
    shop.clock.advance(1)
    await books.say("3")
    shop.chain.pay(10**9, payer="new")
    shop.chain.pay(10**6, asset=TOKEN, payer="other_asset")
    await shop.scan()
    values = {row["payer"]: (row["value"], row["rate"]) for row in await books.payments()}
    assert values == {
        "before_any": ("", ""),
        "at_the_moment": ("2.00", "2"),
        "just_valid": ("2.00", "2"),
        "has_ended": ("", ""),
        "new": ("3.00", "3"),
        "other_asset": ("", ""),
    }
    assert {row["value"] for row in await books.payments(Wanted(currency="EUR"))} == {""}
    assert {(row["currency"], row["value"]) for row in await books.payments(Wanted())} == {("", "")}


async def test_half_a_cent_goes_to_the_even_one(books: Books) -> None:
    await books.say("0.01")
    for tenths in (5, 15, 25):
        books.shop.chain.pay(tenths * 10**8)
    await books.shop.scan()
    assert [row["value"] for row in await books.payments()] == ["0.00", "0.02", "0.02"]


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 6, 7])
@pytest.mark.usefixtures("small_pages")
async def test_every_row_comes_once_and_in_order_however_pages_fall(books: Books, rows: int) -> None:
    ids = []
    for number in range(rows):
        books.shop.chain.pay(number + 1, payer=f"payer_{number}")
        ids.append(str((await books.shop.invoice(number + 1)).id))
        books.shop.clock.advance(number % 3 // 2)  # several in one second
    await books.shop.scan()
    assert [row["payer"] for row in await books.payments()] == [f"payer_{number}" for number in range(rows)]
    assert [row["invoice_id"] for row in await books.invoices()] == ids


async def test_a_range_begins_with_its_first_second_and_ends_before_its_last(books: Books) -> None:
    start = books.shop.clock()
    for number in range(4):
        books.shop.chain.pay(number + 1)
        await books.shop.invoice(number + 1)
        books.shop.clock.advance(10)
    await books.shop.scan()
    wanted = Wanted(start + timedelta(seconds=10), start + timedelta(seconds=30))
    assert [row["amount_base_units"] for row in await books.payments(wanted)] == ["2", "3"]
    assert [row["amount_base_units"] for row in await books.invoices(wanted)] == ["2", "3"]


async def test_an_assigned_payment_stands_with_the_invoice_it_was_assigned_to(books: Books) -> None:
    shop = books.shop
    invoice = await shop.invoicing.create(Draft(5, "MEM", 60, order_id="17"), "test")
    shop.chain.pay(5)
    await shop.scan()
    [before] = await books.payments()
    await shop.payments.assign(int(before["payment_id"]), invoice.id, By("test", None))
    [after] = await books.payments()
    assert (before["invoice_id"], before["order_id"], before["standing"]) == ("", "", "recorded")
    assert (after["invoice_id"], after["order_id"], after["standing"]) == (str(invoice.id), "17", "assigned")
    assert after["class"] == "unmatched"


async def test_an_invoice_has_its_price_and_what_it_received_was_worth(books: Books) -> None:
    shop = books.shop
    await books.say("3")
    draft = Draft(Money(Decimal("10.00"), "USD"), "MEM", 60, order_id="17", customer_id="-alice")
    invoice = await shop.invoicing.create(draft, "test")
    shop.clock.advance(5)
    await books.say("4")
    shop.chain.pay(invoice.amount + 1, invoice.id, payer="alice")
    await shop.scan()
    waiting = await shop.invoice(100)
    first, second = await books.invoices()
    assert (first["price"], first["price_currency"], first["price_rate"]) == ("10.00", "USD", "3")
    assert (first["price_rate_at"], first["price_rate_source"]) == ("2026-01-01T00:00:00Z", "cli:bob")
    assert (first["status"], first["amount"], first["received"]) == ("paid", "3.333333334", "3.333333335")
    assert (first["received_value"], first["rate"], first["rate_at"]) == ("13.33", "4", "2026-01-01T00:00:05Z")
    assert (first["paid_by"], first["paid_at"], first["customer_id"]) == ("alice", "2026-01-01T00:00:05Z", "'-alice")
    assert (second["invoice_id"], second["status"], second["received_value"]) == (str(waiting.id), "waiting", "")
    assert (second["price"], second["currency"], second["rate"]) == ("", "USD", "")


async def test_an_order_that_credit_paid_says_what_that_was_worth(books: Books) -> None:
    counter = await Counter(books.shop).open()
    await books.say("4")
    await counter.place("17", "alice", 2_500_000_000)
    await counter.claim("17", "a1")
    money = await counter.pay("a1", 3_000_000_000)
    assert [row["confirmed"] for row in await books.payments()] == ["no"]
    await counter.confirm(money)
    assert [row["confirmed"] for row in await books.payments()] == ["yes"]
    [row] = await books.invoices()
    assert (row["status"], row["received"], row["received_value"]) == ("paid", "0", "0.00")
    assert (row["credited"], row["credited_value"], row["credited_base_units"]) == ("2.5", "10.00", "2500000000")


async def test_money_in_an_asset_that_is_no_longer_known_keeps_its_base_units(database: Database) -> None:
    shop = Shop(database)
    invoice = await shop.invoice(2_000_000, ticker="TOK")
    shop.chain.pay(2_000_000, invoice.id, asset=TOKEN)
    shop.chain.pay(3, asset=TOKEN)
    await shop.scan()
    later = Shop(database, clock=shop.clock, world=MemoryChain(shop.clock, assets=[COIN]))
    rows = await Books(later).payments()
    assert [(row["amount"], row["ticker"], row["amount_base_units"]) for row in rows] == [
        ("2", "TOK", "2000000"),
        ("", "", "3"),
    ]
