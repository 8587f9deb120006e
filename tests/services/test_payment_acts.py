"""What people make of payments: assign, take back, mark as refunded or ignored; each with its event, once."""

import asyncio
import json
from dataclasses import replace
from uuid import uuid4

import pytest

from harvester.chain import Batch
from harvester.domain.errors import ActRefused, NotFound
from harvester.domain.lifecycle import Status
from harvester.domain.payment import PaymentClass, Standing
from harvester.storage.payments import PaymentFilter
from tests.memory_chain import COIN, TOKEN
from tests.services.conftest import Shop
from tests.services.strays import ALICE, of, stray, told


async def test_assigning_in_time_settles_and_says_who_did_it(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    payment = await stray(shop)
    assigned = await shop.payments.assign(payment.id, invoice.id, ALICE)
    paid = await of(shop, invoice)
    assert (paid.status, paid.received, paid.tx_hash, paid.paid_at) == (
        Status.PAID,
        100,
        payment.tx_hash,
        payment.time,
    )
    assert (assigned.standing, assigned.assigned_to, assigned.assigned_class) == (
        Standing.ASSIGNED,
        invoice.id,
        PaymentClass.EXACT,
    )
    assert await shop.events(invoice.id) == [(1, "invoice.created"), (2, "invoice.paid")]
    rows = await shop.rows("SELECT type, cause, body, invoice_id FROM events WHERE cause = 'cli:alice' ORDER BY number")
    assert [row["type"] for row in rows] == ["payment.assigned", "invoice.paid"]
    body = json.loads(rows[0]["body"])
    assert body["act"]["reason"] == "the buyer forgot the comment"
    assert body["payment"]["assigned"] == {"invoice_id": str(invoice.id), "class": "exact"}
    found, acts = await shop.payments.show(payment.id)
    assert (found, [(act.actor, act.kind) for act in acts]) == (assigned, [("cli:alice", "assigned")])


async def test_a_payment_itself_never_changes(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    payment = await stray(shop, 40)
    before = await shop.rows("SELECT * FROM payments")
    await shop.payments.assign(payment.id, invoice.id, ALICE)
    await shop.payments.unassign(payment.id, ALICE)
    await shop.payments.ignore(payment.id, ALICE)
    await shop.payments.refund(payment.id, ALICE)
    assert await shop.rows("SELECT * FROM payments") == before
    assert (await shop.payments.show(payment.id))[0] == replace(payment, standing=Standing.REFUNDED)


async def test_what_an_open_invoice_has_received_cannot_be_refunded(shop: Shop) -> None:
    """The rest would settle it with money that is gone."""
    invoice = await shop.invoice(100)
    shop.chain.pay(30, invoice.id)
    assigned = await stray(shop, 40)
    await shop.payments.assign(assigned.id, invoice.id, ALICE)
    named = next(each for each in await shop.payments.page(PaymentFilter(), 10) if each.id != assigned.id)
    for payment in (named, assigned):
        with pytest.raises(ActRefused, match="cancel that first"):
            await shop.payments.refund(payment.id, ALICE)
    await shop.invoicing.cancel(invoice.id, "api")
    for payment in (named, assigned):
        assert (await shop.payments.refund(payment.id, ALICE)).standing is Standing.REFUNDED
    assert (await of(shop, invoice)).received == 70


async def test_doing_the_same_again_changes_nothing(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    payment, other = await stray(shop, 40), await stray(shop, 7)
    for _ in range(2):
        await shop.payments.assign(payment.id, invoice.id, ALICE)
    assert (await of(shop, invoice)).received == 40
    for _ in range(2):
        await shop.payments.unassign(payment.id, ALICE)
    assert (await of(shop, invoice)).received == 0
    for _ in range(2):
        await shop.payments.ignore(payment.id, ALICE)
        await shop.payments.refund(other.id, ALICE)
    acts = ["payment.assigned", "payment.unassigned", "payment.ignored", "payment.refunded"]
    assert [kind for kind in await told(shop) if kind in acts] == acts
    assert len(await shop.rows("SELECT number FROM payment_acts")) == 4


@pytest.mark.parametrize(
    ("end", "status", "meaning"),
    [
        ("expire", Status.EXPIRED, "late"),
        ("cancel", Status.CANCELLED, "after_cancel"),
        ("pay", Status.PAID, "duplicate"),
    ],
)
async def test_money_assigned_to_a_closed_invoice_counts_and_changes_no_state(
    shop: Shop, end: str, status: Status, meaning: str
) -> None:
    invoice = await shop.invoice(100, 60)
    payment = await stray(shop, 30)
    if end == "expire":
        shop.clock.advance(61)
    elif end == "cancel":
        await shop.invoicing.cancel(invoice.id, "test")
    else:
        shop.chain.pay(100, invoice.id)
    await shop.scan()
    assigned = await shop.payments.assign(payment.id, invoice.id, ALICE)
    closed = await of(shop, invoice)
    assert (closed.status, closed.overpayment, assigned.assigned_class) == (status, 30, meaning)
    await shop.payments.unassign(payment.id, ALICE)
    assert (await of(shop, invoice)).overpayment == 0
    assert len(await shop.events(invoice.id)) == 2


async def test_a_transfer_after_the_end_settles_nothing_although_the_invoice_still_waits(shop: Shop) -> None:
    invoice = await shop.invoice(100, 60)
    shop.clock.advance(61)
    transfer = shop.chain.pay(100)
    await shop.ledger.record(Batch(shop.chain.account(), (transfer,), None, "1", None))
    (payment,) = await shop.payments.page(PaymentFilter(), 1)
    assigned = await shop.payments.assign(payment.id, invoice.id, ALICE)
    assert (assigned.assigned_class, (await of(shop, invoice)).status) == (PaymentClass.LATE, Status.WAITING)


async def test_what_settled_an_invoice_cannot_be_taken_back(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    part, rest, more = await stray(shop, 40), await stray(shop, 60), await stray(shop, 5)
    for payment in (part, rest, more):
        await shop.payments.assign(payment.id, invoice.id, ALICE)
    before = await shop.rows("SELECT * FROM invoices")
    for payment in (part, rest):
        with pytest.raises(ActRefused, match="paid is final"):
            await shop.payments.unassign(payment.id, ALICE)
    assert await shop.rows("SELECT * FROM invoices") == before
    await shop.payments.unassign(more.id, ALICE)
    assert (await of(shop, invoice)).received == 100


async def test_money_that_named_an_invoice_of_another_asset_can_go_to_a_fitting_one(shop: Shop) -> None:
    asked, fitting = await shop.invoice(100), await shop.invoice(100, ticker="TOK")
    payment = await stray(shop, 100, TOKEN, asked.id)
    assert payment.payment_class is PaymentClass.WRONG_ASSET
    with pytest.raises(ActRefused, match="another asset"):
        await shop.payments.assign(payment.id, asked.id, ALICE)
    await shop.payments.assign(payment.id, fitting.id, ALICE)
    assert ((await of(shop, asked)).received, (await of(shop, fitting)).status) == (0, Status.PAID)


async def test_what_counts_already_was_refunded_or_does_not_exist_cannot_be_assigned(shop: Shop) -> None:
    invoice, other = await shop.invoice(100), await shop.invoice(100)
    shop.chain.pay(30, invoice.id)
    await shop.scan()
    (counted,) = await shop.payments.page(PaymentFilter(), 1)
    refunded, moved = await stray(shop), await stray(shop)
    await shop.payments.refund(refunded.id, ALICE)
    await shop.payments.assign(moved.id, invoice.id, ALICE)
    for payment, why in ((counted, "counts for no invoice"), (refunded, "is refunded"), (moved, "is assigned")):
        with pytest.raises(ActRefused, match=why):
            await shop.payments.assign(payment.id, other.id, ALICE)
    with pytest.raises(NotFound):
        await shop.payments.assign(moved.id + 100, other.id, ALICE)
    with pytest.raises(NotFound):
        await shop.payments.assign((await stray(shop)).id, uuid4(), ALICE)
    assert (await of(shop, other)).received == 0


async def test_a_payment_goes_to_one_invoice_however_many_want_it(shop: Shop) -> None:
    for _ in range(5):
        first, second = await shop.invoice(100), await shop.invoice(100)
        payment = await stray(shop)
        results = await asyncio.gather(
            *(shop.payments.assign(payment.id, wanted.id, ALICE) for wanted in (first, second, first, second)),
            return_exceptions=True,
        )
        assert sum(isinstance(result, ActRefused) for result in results) == 2
        assert (await of(shop, first)).received + (await of(shop, second)).received == 100


async def test_assigning_and_a_scan_that_expires_the_invoice_leave_one_end(shop: Shop) -> None:
    for _ in range(5):
        invoice = await shop.invoice(100, 60)
        payment = await stray(shop)
        shop.clock.advance(61)
        await asyncio.gather(shop.scan(), shop.payments.assign(payment.id, invoice.id, ALICE))
        await shop.scan()
        final = await of(shop, invoice)
        assert final.received == 100
        assert len(await shop.events(invoice.id)) == 2
        assert final.status in {Status.PAID, Status.EXPIRED}


async def test_an_ignored_payment_can_be_assigned_after_all_but_nobodys_payment_cannot(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    payment = await stray(shop, 10)
    await shop.payments.ignore(payment.id, ALICE)
    assert (await shop.payments.assign(payment.id, invoice.id, ALICE)).standing is Standing.ASSIGNED
    with pytest.raises(ActRefused, match="is assigned"):
        await shop.payments.ignore(payment.id, ALICE)
    bounce = replace(shop.chain.pay(5), ignored=True, reason="a bounce")
    shop.chain.histories[COIN][-1] = bounce
    await shop.scan()
    (nobodys,) = await shop.payments.page(PaymentFilter(payment_class=PaymentClass.IGNORED), 1)
    assert nobodys.standing is Standing.IGNORED
    with pytest.raises(ActRefused, match="counts for no invoice"):
        await shop.payments.assign(nobodys.id, invoice.id, ALICE)


async def test_the_tolerance_settles_what_is_almost_enough(shop: Shop) -> None:
    lenient = Shop(shop.database, shop.clock, tolerance_ppm=5_000)
    almost, short = await lenient.invoice(1_000), await lenient.invoice(1_000)
    lenient.chain.pay(995, almost.id)
    lenient.chain.pay(994, short.id)
    lenient.chain.pay(3, almost.id)
    await lenient.scan()
    paid = await of(lenient, almost)
    assert (paid.status, paid.received, paid.overpayment) == (Status.PAID, 998, 0)
    assert await lenient.classes(almost.id) == ["exact", "duplicate"]
    assert await lenient.classes(short.id) == ["partial"]
    rows = await lenient.rows("SELECT reason FROM payments WHERE class = 'exact'")
    assert rows[0]["reason"] == "short by 5 base units, within UNDERPAYMENT_TOLERANCE"
    assigned = await lenient.payments.assign((await stray(lenient, 1)).id, short.id, ALICE)
    assert assigned.assigned_class is PaymentClass.EXACT
