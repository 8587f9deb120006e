"""The desk on a real database: orders, claims, reports and confirmations in every order that they can come in."""

import asyncio

import pytest

from harvester.domain.errors import ActRefused, BadgeRefused, NotFound
from harvester.services.invoicing import Draft
from harvester.storage.database import Database
from tests.services.conftest import Shop
from tests.services.counter import LIVES, Counter


@pytest.fixture
async def counter(database: Database) -> Counter:
    return await Counter(Shop(database)).open()


async def test_an_order_is_claimed_paid_confirmed_and_settled(counter: Counter) -> None:
    placed = await counter.place("1", "alice", 2100)
    assert (placed.new, placed.invoice.status.value) == (True, "unclaimed")
    claimed = await counter.claim("1", "a1")
    assert claimed.status.value == "waiting"
    assert claimed.expires_at == counter.shop.clock() + LIVES.unpaid
    money = await counter.pay("a1", 2500)
    assert await counter.status("1") == "waiting"
    assert (await counter.confirm(money)).new
    assert await counter.status("1") == "paid"
    assert await counter.balance("a1") == 400
    assert await counter.types("1") == ["invoice.created", "invoice.claimed", "invoice.paid"]


@pytest.mark.parametrize(
    "story",
    [
        "order claim pay confirm",
        "order pay claim confirm",
        "order pay confirm claim",
        "pay order claim confirm",
        "pay order confirm claim",
        "pay confirm order claim",
    ],
)
async def test_ordering_claiming_paying_and_confirming_may_come_in_any_order(counter: Counter, story: str) -> None:
    transfer = None
    for step in story.split():
        if step == "order":
            await counter.place("1", "alice", 2100)
        elif step == "claim":
            await counter.claim("1", "a1")
        elif step == "pay":
            transfer = await counter.pay("a1", 2500)
        elif transfer:
            await counter.confirm(transfer)
    assert (await counter.status("1"), await counter.balance("a1")) == ("paid", 400)


@pytest.mark.parametrize("story", ["order pay confirm", "pay order confirm", "pay confirm order"])
async def test_money_that_names_the_order_needs_no_claim(counter: Counter, story: str) -> None:
    transfer = None
    for step in story.split():
        if step == "order":
            await counter.place("1", "alice", 2100)
        elif step == "pay":
            transfer = await counter.pay("a1", 2500, order="1")
        elif transfer:
            await counter.confirm(transfer)
    assert (await counter.status("1"), await counter.balance("a1")) == ("paid", 400)


async def test_an_order_of_no_customer_is_paid_by_money_that_names_it_and_claimed_by_nobody(counter: Counter) -> None:
    await counter.shop.invoicing.create(Draft(100, "MEM", 3600, order_id="1"), "api")
    with pytest.raises(ActRefused, match="of no customer"):
        await counter.claim("1", "a1")
    await counter.confirm(await counter.pay("a1", 130, order="1", signs=True))
    assert (await counter.status("1"), await counter.balance("a1")) == ("paid", 30)


async def test_a_repeat_changes_nothing_and_another_content_is_refused(counter: Counter) -> None:
    first = await counter.place("1", "alice", 100, alt_id="#1")
    again = await counter.place("1", "alice", 100, alt_id="#1")
    assert (again.new, again.invoice.id) == (False, first.invoice.id)
    for order_id, customer, price, alt_id in (
        ("1", "bob", 100, "#1"),
        ("1", "alice", 101, "#1"),
        ("2", "alice", 100, "#1"),
    ):
        with pytest.raises(ActRefused, match="exists with another"):
            await counter.place(order_id, customer, price, alt_id=alt_id)


async def test_a_badge_counts_once_and_only_with_its_effect(counter: Counter) -> None:
    transfer = await counter.pay("a1", 100)
    with pytest.raises(BadgeRefused):
        await counter.desk.confirm(transfer.tx_hash, 0, counter.badge(1))
    with pytest.raises(BadgeRefused):
        await counter.desk.confirm(transfer.tx_hash, 0, counter.badge(5, "10.0.0.1"))
    with pytest.raises(NotFound):
        await counter.desk.confirm("unknown", 0, counter.badge(5))
    assert (await counter.desk.confirm(transfer.tx_hash, 0, counter.badge(5))).new
    assert not (await counter.desk.confirm(transfer.tx_hash, 0, counter.badge(6))).new
    assert await counter.balance("a1") == 100


async def test_of_two_messages_with_one_nonce_that_race_one_counts(counter: Counter) -> None:
    money, badge = [await counter.pay("a1", 100) for _ in range(4)], counter.badge(9)
    confirming = (counter.desk.confirm(each.tx_hash, 0, badge) for each in money)
    outcomes = await asyncio.gather(*confirming, return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["BadgeRefused"] * 3 + ["Reported"]
    assert await counter.balance("a1") == 100


async def test_wallets_that_tell_of_one_payment_at_once_make_one_of_it(counter: Counter) -> None:
    await asyncio.gather(*(counter.pay("a1", 100, tx_hash="t", wallet=f"wallet {number}") for number in range(4)))
    assert len(await counter.shop.rows("SELECT FROM payments")) == 1


async def test_a_new_order_is_told_of_at_once_and_counted(counter: Counter) -> None:
    shop = counter.shop
    with shop.signals.listening("deliveries") as deliveries, shop.signals.listening("events") as events:
        await counter.place("1", "alice", 100)
        assert deliveries._event.is_set()
        assert events._event.is_set()
    assert shop.metrics.transitions.labels("unclaimed")._value.get() == 1
