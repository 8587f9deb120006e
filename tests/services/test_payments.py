"""All the money that came in: what it is told of as, and lists of it."""

import json
from dataclasses import replace

import pytest

from harvester.chain import Batch
from harvester.domain.errors import InvalidInput
from harvester.domain.payment import Payment, PaymentClass, Standing
from harvester.storage.payments import PaymentFilter
from tests.memory_chain import COIN, TOKEN
from tests.services.conftest import Shop
from tests.services.strays import ALICE, of, told


async def test_each_class_of_payment_is_told_of_as_what_it_is(shop: Shop) -> None:
    invoice = await shop.invoice(100, 60)
    expected = ["payment.received"]
    shop.chain.pay(40, invoice.id)
    expected += ["payment.partial", "payment.received"]
    shop.chain.pay(60, invoice.id)
    expected += ["payment.received", "payment.late"]
    shop.chain.pay(1, invoice.id)
    expected += ["payment.received", "payment.unmatched"]
    shop.chain.pay(7)
    await shop.chain.scan(shop.ledger)
    assert await told(shop) == expected
    rows = await shop.rows("SELECT invoice_id, sequence, cause, body FROM events WHERE type = 'payment.unmatched'")
    payment = json.loads(rows[0]["body"])["payment"]
    assert (rows[0]["invoice_id"], rows[0]["sequence"]) == (None, None)
    assert (payment["amount"], payment["class"], payment["reason"]) == ("7", "unmatched", "no reference")
    assert rows[0]["cause"] == f"chain:{payment['tx_hash']}"
    assert await shop.events(invoice.id) == [(1, "invoice.created"), (2, "invoice.paid")]


async def test_an_endpoint_is_told_of_payments_only_if_it_asks(shop: Shop) -> None:
    async with shop.database.connection() as connection:
        await connection.execute(
            "INSERT INTO endpoints (id, name, url, enabled, created_at, updated_at)"
            " VALUES (gen_random_uuid(), 'plain', 'http://x', true, now(), now())"
        )
        await connection.execute(
            "INSERT INTO endpoints (id, name, url, enabled, created_at, updated_at, event_types)"
            " VALUES (gen_random_uuid(), 'money', 'http://x', true, now(), now(),"
            " '{payment.unmatched,payment.partial}')"
        )
    invoice = await shop.invoice(100)
    shop.chain.pay(40, invoice.id)
    shop.chain.pay(60, invoice.id)
    shop.chain.pay(7)
    await shop.scan()
    rows = await shop.rows(
        "SELECT endpoints.name, events.type, deliveries.invoice_id"
        " FROM deliveries JOIN endpoints ON endpoints.id = endpoint_id JOIN events ON events.id = event_id"
    )
    # What is about a payment waits for no delivery of the invoice, nor they for it.
    assert sorted(tuple(row) for row in rows) == [
        ("money", "payment.partial", None),
        ("money", "payment.unmatched", None),
        ("plain", "invoice.created", invoice.id),
        ("plain", "invoice.paid", invoice.id),
    ]


async def test_lists_are_filtered_and_paged_newest_first(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    made = []
    for amount in range(1, 8):
        shop.clock.advance(1 if amount % 2 else 0)
        transfer = shop.chain.pay(amount, payer=f"payer{amount % 2}", asset=TOKEN if amount == 3 else COIN)
        shop.chain.histories[transfer.asset][-1] = replace(transfer, text=f"Order {amount} Київ")
        made.append(transfer)
    shop.chain.pay(50, invoice.id)
    await shop.scan()

    async def amounts(limit: int = 100, before: int | None = None, **wanted: object) -> list[int]:
        page = await shop.payments.page(PaymentFilter(**wanted), limit, before)  # type: ignore[arg-type]  # any filter
        return [payment.amount for payment in page]

    everything = await shop.payments.page(PaymentFilter(), 100)
    assert [(each.time, each.id) for each in everything] == sorted(
        ((each.time, each.id) for each in everything), reverse=True
    )
    pages: list[Payment] = []
    before = None
    while page := await shop.payments.page(PaymentFilter(), 3, before):
        pages += page
        before = page[-1].id
    assert pages == everything
    assert await amounts(payers=["payer0"], assets=[COIN]) == [6, 4, 2]
    assert await amounts(assets=[TOKEN]) == [3]
    assert await amounts(text="ORDER 5") == [5]
    assert await amounts(text="київ", limit=2, before=everything[1].id) == [6, 5]
    assert await amounts(text="%") == []
    assert sorted(await amounts(since=made[4].time, until=made[6].time)) == [5, 6]
    assert await amounts(payment_class=PaymentClass.PARTIAL) == [50]
    assert await amounts(invoice_id=invoice.id) == [50]
    (three,) = await shop.payments.page(PaymentFilter(assets=[TOKEN]), 1)
    await shop.payments.refund(three.id, ALICE)
    assert await amounts(standing=Standing.REFUNDED) == [3]
    assert len(await amounts(standing=Standing.RECORDED)) == 7
    six = next(each for each in everything if each.amount == 6)
    await shop.payments.assign(six.id, invoice.id, ALICE)
    assert sorted(await amounts(invoice_id=invoice.id)) == [6, 50]


async def test_a_list_that_cannot_be_is_refused(shop: Shop) -> None:
    for limit in (0, 1001):
        with pytest.raises(InvalidInput):
            await shop.payments.page(PaymentFilter(), limit)
    with pytest.raises(InvalidInput, match="unknown payment id"):
        await shop.payments.page(PaymentFilter(), 1, 5)
    for wrong in (0, 2**63):
        with pytest.raises(InvalidInput):
            await shop.payments.show(wrong)


async def test_a_batch_that_holds_a_transfer_twice_counts_it_once(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    transfer = shop.chain.pay(60, invoice.id)
    await shop.ledger.record(Batch(shop.chain.account(), (transfer, transfer), None, "2", None))
    assert (await of(shop, invoice)).received == 60
