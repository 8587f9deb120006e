"""Acts on payments that are credit: what may be sent back, and what cannot be said of them."""

import pytest

from harvester.domain.acts import By
from harvester.domain.errors import ActRefused
from harvester.storage.database import Database
from tests.services.conftest import Shop
from tests.services.counter import Counter

BY = By("cli:alice", "the buyer asked for it")


@pytest.fixture
async def counter(database: Database) -> Counter:
    return await Counter(Shop(database)).open()


async def entries(counter: Counter) -> list[tuple[str, int]]:
    rows = await counter.shop.rows("SELECT kind, amount FROM credit_entries ORDER BY number")
    return [(row["kind"], int(row["amount"])) for row in rows]


async def test_a_refund_takes_the_credit_from_its_sender_once(counter: Counter) -> None:
    for amount in (100, 50):
        await counter.confirm(await counter.pay("a1", amount))
    assert (await counter.shop.payments.refund(1, BY)).standing == "refunded"
    await counter.shop.payments.refund(1, BY)
    assert (await counter.balance("a1"), await entries(counter)) == (
        50,
        [("payment", 100), ("payment", 50), ("refund", 100)],
    )
    [row] = await counter.shop.rows("SELECT actor, reason, payment_id FROM credit_entries WHERE kind = 'refund'")
    assert tuple(row) == (BY.actor, BY.reason, 1)


async def test_credit_that_was_spent_cannot_be_refunded(counter: Counter) -> None:
    await counter.place("1", "alice", 60)
    await counter.claim("1", "a1")
    await counter.confirm(await counter.pay("a1", 100))
    with pytest.raises(ActRefused, match="of 100 base units its sender has 40 left"):
        await counter.shop.payments.refund(1, BY)
    payment, acts = await counter.shop.payments.show(1)
    assert (payment.standing, acts, await counter.balance("a1")) == ("recorded", [], 40)
    await counter.confirm(await counter.pay("a1", 60))
    await counter.shop.payments.refund(1, BY)
    assert (await counter.balance("a1"), await counter.status("1")) == (0, "paid")


async def test_what_is_not_confirmed_is_refunded_later(counter: Counter) -> None:
    money = await counter.pay("a1", 100)
    with pytest.raises(ActRefused, match="not confirmed"):
        await counter.shop.payments.refund(1, BY)
    await counter.confirm(money)
    await counter.shop.payments.refund(1, BY)
    assert await counter.balance("a1") == 0


async def test_refunded_money_pays_for_nothing(counter: Counter) -> None:
    await counter.confirm(await counter.pay("a1", 100))
    await counter.shop.payments.refund(1, BY)
    await counter.place("1", "alice", 100)
    await counter.claim("1", "a1")
    assert await counter.status("1") == "waiting"


async def test_credit_is_not_assigned_to_an_invoice(counter: Counter) -> None:
    invoice = await counter.shop.invoice(100)
    await counter.confirm(await counter.pay("a1", 100))
    with pytest.raises(ActRefused, match="its sender's credit, which pays for orders: it can be refunded"):
        await counter.shop.payments.assign(1, invoice.id, BY)


async def test_to_ignore_credit_leaves_it(counter: Counter) -> None:
    await counter.confirm(await counter.pay("a1", 100))
    assert (await counter.shop.payments.ignore(1, BY)).standing == "ignored"
    assert await counter.balance("a1") == 100
    await counter.shop.payments.refund(1, BY)
    assert await counter.balance("a1") == 0
