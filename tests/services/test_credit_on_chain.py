"""Credit on a chain that is read: what money without a reference does, by chain time, if the operator wants it."""

from datetime import timedelta

import pytest

from harvester.domain.acts import By
from harvester.services.invoicing import Draft
from harvester.storage.database import Database
from tests.services.conftest import Shop
from tests.services.counter import LIVES, Counter


@pytest.fixture
async def counter(database: Database) -> Counter:
    return await Counter(Shop(database, credit_unmatched=True)).open()


async def test_money_without_a_reference_is_its_senders_and_pays_what_his_customer_owes(counter: Counter) -> None:
    shop = counter.shop
    await counter.place("1", "alice", 2100)
    await counter.claim("1", "a1")
    shop.chain.proof = '{"block": 7}'
    money = shop.chain.pay(2500, payer="a1")
    await shop.scan()
    assert await shop.classes() == ["credit"]
    paid = await counter.accounts.order("1")
    assert (paid.status, paid.paid_by, paid.tx_hash, paid.paid_at) == ("paid", "a1", money.tx_hash, money.time)
    assert paid.proof == shop.chain.proof
    assert await counter.balance("a1") == 400
    assert await counter.types("1") == ["invoice.created", "invoice.claimed", "invoice.paid"]


async def test_an_address_that_the_merchant_ties_to_a_customer_pays_what_the_api_made_for_him(counter: Counter) -> None:
    shop = counter.shop
    for order_id in ("1", "2"):
        await shop.invoicing.create(Draft(100, "MEM", 3600, order_id=order_id, customer_id="alice"), "api")
        shop.clock.advance(1)
    shop.chain.pay(150, payer="a1")
    await shop.scan()
    assert [order.order_id for order in await counter.accounts.link("alice", "A1", "MEM", By("cli", "his"))] == ["1"]
    assert await counter.accounts.link("alice", "A1", "MEM", By("cli", None)) == []
    shop.chain.pay(50, payer="a1")
    await shop.scan()
    assert (await counter.status("2"), await counter.balance("a1")) == ("paid", 0)
    [row] = await shop.rows("SELECT customer_id, address, cause FROM address_customers")
    assert tuple(row) == ("alice", "a1", "cli: his")


async def test_an_invoice_that_is_named_is_paid_as_ever_and_makes_no_credit(counter: Counter) -> None:
    shop = counter.shop
    invoice = await shop.invoice(100)
    shop.chain.pay(150, invoice.id, payer="a1")
    await shop.scan()
    assert (await shop.classes(), await shop.rows("SELECT FROM credit_entries")) == (["over"], [])


async def test_by_default_it_is_nobodys_and_pays_nothing(database: Database) -> None:
    counter = await Counter(Shop(database)).open()
    await counter.place("1", "alice", 2100)
    await counter.claim("1", "a1")
    counter.shop.chain.pay(2500, payer="a1")
    await counter.shop.scan()
    assert (await counter.shop.classes(), await counter.status("1")) == (["unmatched"], "waiting")
    assert await counter.shop.rows("SELECT FROM credit_entries") == []


async def test_money_pays_if_it_was_in_time_by_chain_time_and_is_kept_if_it_was_not(counter: Counter) -> None:
    shop = counter.shop
    for order_id in ("1", "2"):
        await counter.place(order_id, "alice", 100)
    await counter.claim("1", "a1")
    shop.clock.advance(3600)
    await counter.claim("2", "a1")
    shop.clock.advance(LIVES.unpaid.total_seconds() - 3600)
    in_time = shop.chain.pay(100, payer="a1")
    shop.clock.advance(1)
    shop.chain.pay(100, payer="a1")
    shop.clock.advance(timedelta(hours=2).total_seconds())
    shop.chain.pay(70, payer="a1")
    await shop.scan()
    first, second = await counter.accounts.order("1"), await counter.accounts.order("2")
    assert (first.status, first.tx_hash) == ("paid", in_time.tx_hash)
    assert (second.status, second.paid_at) == ("paid", in_time.time + timedelta(seconds=1))
    assert await counter.balance("a1") == 70
    await counter.place("3", "alice", 70)
    assert await counter.status("3") == "paid"


async def test_an_order_that_ended_before_the_money_came_is_not_paid_by_it(counter: Counter) -> None:
    shop = counter.shop
    await counter.place("1", "alice", 100)
    await counter.claim("1", "a1")
    shop.clock.advance(LIVES.unpaid.total_seconds() + 1)
    shop.chain.pay(100, payer="a1")
    await shop.scan()
    assert (await counter.status("1"), await counter.balance("a1")) == ("expired", 100)


async def test_what_was_scanned_before_is_no_news(counter: Counter) -> None:
    shop = counter.shop
    shop.chain.pay(100, payer="a1")
    await shop.scan()
    await shop.rows("DELETE FROM accounts")
    await shop.scan()
    assert await counter.balance("a1") == 100


async def test_credit_pays_what_is_missing_and_what_comes_after_that_is_too_much(counter: Counter) -> None:
    shop = counter.shop
    order = (await counter.place("1", "alice", 100)).invoice
    await counter.claim("1", "a1")
    shop.chain.pay(30, order.id, payer="a2")
    shop.chain.pay(100, payer="a1")
    await shop.scan()
    shop.chain.pay(7, order.id, payer="a2")
    await shop.scan()
    paid = await counter.accounts.order("1")
    assert (paid.status, paid.received, paid.credited, paid.overpayment) == ("paid", 37, 70, 7)
    assert await counter.balance("a1") == 30
    assert await shop.classes() == ["partial", "credit", "duplicate"]
