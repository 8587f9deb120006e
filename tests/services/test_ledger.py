"""The ledger: what each transfer means, once, together with everything that follows from it."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from harvester.chain import MAX_BATCH_TRANSFERS, Batch
from harvester.domain.errors import CursorConflict, InvariantBroken, TransitionRefused
from harvester.domain.lifecycle import Status
from harvester.storage import events as stored_events
from tests.memory_chain import COIN, TOKEN
from tests.services.conftest import Shop


async def test_an_exact_payment_settles(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    shop.clock.advance(5)
    transfer = shop.chain.pay(100, invoice.id)
    shop.clock.advance(2)
    await shop.scan()
    paid = await shop.invoicing.get(invoice.id)
    assert (paid.status, paid.received, paid.overpayment) == (Status.PAID, 100, 0)
    assert (paid.paid_by, paid.paid_at, paid.tx_hash) == ("payer", transfer.time, transfer.tx_hash)
    assert await shop.classes(invoice.id) == ["exact"]
    assert await shop.events(invoice.id) == [(1, "invoice.created"), (2, "invoice.paid")]


async def test_a_part_and_the_rest_settle_with_the_transfer_that_completed_it(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    shop.chain.pay(40, invoice.id, payer="first")
    await shop.scan()
    waiting = await shop.invoicing.get(invoice.id)
    assert (waiting.status, waiting.overpayment) == (Status.WAITING, 40)
    rest = shop.chain.pay(60, invoice.id, payer="second")
    await shop.scan()
    paid = await shop.invoicing.get(invoice.id)
    assert (paid.status, paid.overpayment, paid.paid_by, paid.tx_hash) == (Status.PAID, 0, "second", rest.tx_hash)
    assert await shop.classes(invoice.id) == ["partial", "exact"]


async def test_too_much_and_twice_show_as_overpayment(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    shop.chain.pay(130, invoice.id)
    shop.chain.pay(100, invoice.id)
    await shop.scan()
    paid = await shop.invoicing.get(invoice.id)
    assert (paid.status, paid.overpayment) == (Status.PAID, 130)
    assert await shop.classes(invoice.id) == ["over", "duplicate"]
    assert len(await shop.events(invoice.id)) == 2


async def test_the_last_second_is_in_time_and_the_next_is_late(shop: Shop) -> None:
    in_time, late = await shop.invoice(100, 60), await shop.invoice(100, 60)
    shop.clock.advance(60)
    shop.chain.pay(100, in_time.id)
    shop.clock.advance(1)
    shop.chain.pay(100, late.id)
    await shop.scan()
    assert (await shop.invoicing.get(in_time.id)).status is Status.PAID
    expired = await shop.invoicing.get(late.id)
    assert (expired.status, expired.overpayment) == (Status.EXPIRED, 100)
    assert await shop.classes() == ["exact", "late"]


async def test_a_long_absence_never_expires_a_paid_invoice(shop: Shop) -> None:
    invoice = await shop.invoice(100, 60)
    shop.clock.advance(30)
    transfer = shop.chain.pay(100, invoice.id)
    shop.clock.advance(1_000_000)
    await shop.scan()
    paid = await shop.invoicing.get(invoice.id)
    assert (paid.status, paid.paid_at) == (Status.PAID, transfer.time)


async def test_nothing_expires_before_its_account_is_scanned_past_the_end(shop: Shop) -> None:
    invoice = await shop.invoice(100, 60)
    other = await shop.invoice(100, 60, "TOK")
    shop.clock.advance(60)
    await shop.scan()
    assert (await shop.invoicing.get(invoice.id)).status is Status.WAITING
    shop.clock.advance(1)
    await shop.chain.scan(shop.ledger, COIN)
    assert (await shop.invoicing.get(invoice.id)).status is Status.EXPIRED
    assert (await shop.invoicing.get(other.id)).status is Status.WAITING
    assert await shop.events(invoice.id) == [(1, "invoice.created"), (2, "invoice.expired")]


async def test_money_after_a_cancel_is_kept_and_changes_no_state(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    await shop.invoicing.cancel(invoice.id, "test")
    shop.chain.pay(100, invoice.id)
    await shop.scan()
    cancelled = await shop.invoicing.get(invoice.id)
    assert (cancelled.status, cancelled.overpayment) == (Status.CANCELLED, 100)
    assert await shop.classes(invoice.id) == ["after_cancel"]


async def test_another_asset_and_an_unknown_or_missing_reference_are_kept(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    stranger = replace(invoice).id
    shop.chain.pay(100, invoice.id, asset=TOKEN)
    shop.chain.pay(5)
    shop.chain.pay(6, type(stranger)(int=stranger.int ^ 1))
    await shop.scan()
    assert (await shop.invoicing.get(invoice.id)).received == 0
    rows = await shop.rows("SELECT class, reason, invoice_id FROM payments ORDER BY class DESC, amount")
    assert [row["class"] for row in rows] == ["wrong_asset", "unmatched", "unmatched"]
    assert [row["reason"] for row in rows[1:]] == ["no reference", "names an invoice that does not exist"]
    assert rows[0]["invoice_id"] == invoice.id


async def test_an_ignored_transfer_is_kept_with_its_reason(shop: Shop) -> None:
    transfer = replace(shop.chain.pay(5), ignored=True, reason="a bounce")
    shop.chain.histories[COIN] = [transfer]
    await shop.scan()
    rows = await shop.rows("SELECT class, reason FROM payments")
    assert [tuple(row) for row in rows] == [("ignored", "a bounce")]


async def test_a_transfer_seen_again_changes_nothing(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    transfer = shop.chain.pay(60, invoice.id)
    await shop.scan()
    account = shop.chain.account()
    await shop.ledger.record(Batch(account, (transfer,), "1", "1", None))
    assert (await shop.invoicing.get(invoice.id)).received == 60
    assert await shop.classes() == ["partial"]


async def test_two_processes_on_one_account_credit_once(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    transfer = shop.chain.pay(60, invoice.id)
    batch = Batch(shop.chain.account(), (transfer,), None, "1", None)
    results = await asyncio.gather(*(shop.ledger.record(batch) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(result, CursorConflict) for result in results) == 7
    assert (await shop.invoicing.get(invoice.id)).received == 60


async def test_a_stale_cursor_records_nothing(shop: Shop) -> None:
    await shop.scan()
    transfer = shop.chain.pay(5)
    with pytest.raises(CursorConflict):
        await shop.ledger.record(Batch(shop.chain.account(), (transfer,), "7", "8", None))
    assert await shop.classes() == []


async def test_a_failure_in_the_middle_leaves_no_trace(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = await shop.invoice(100)
    shop.chain.pay(100, invoice.id)

    async def broken(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(stored_events, "insert", broken)
        with pytest.raises(Exception, match="does not answer"):
            await shop.scan()
    assert await shop.classes() == []
    assert (await shop.ledger.position(shop.chain.account())).cursor is None
    await shop.scan()
    assert (await shop.invoicing.get(invoice.id)).status is Status.PAID


async def test_cancel_and_payment_racing_leave_one_final_state(shop: Shop) -> None:
    for _ in range(10):
        invoice = await shop.invoice(100)
        shop.chain.pay(100, invoice.id)
        results = await asyncio.gather(shop.scan(), shop.invoicing.cancel(invoice.id, "test"), return_exceptions=True)
        final = await shop.invoicing.get(invoice.id)
        assert final.status in {Status.PAID, Status.CANCELLED}
        assert isinstance(results[1], TransitionRefused) == (final.status is Status.PAID)
        assert len(await shop.events(invoice.id)) == 2


async def test_each_event_holds_the_invoice_in_the_state_it_made(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    shop.clock.advance(1)
    shop.chain.pay(150, invoice.id)
    shop.chain.pay(1, invoice.id)
    await shop.scan()
    rows = await shop.rows(
        "SELECT body, cause FROM events WHERE invoice_id = $1 AND sequence > 0 ORDER BY sequence", invoice.id
    )
    created, paid = (json.loads(row["body"]) for row in rows)
    assert (created["status"], paid["status"], paid["overpayment"]) == ("waiting", "paid", "50")
    assert rows[1]["cause"] == f"chain:{paid['tx_hash']}"


async def test_a_batch_may_not_be_larger_than_the_contract_allows(shop: Shop) -> None:
    transfers = tuple(shop.chain.pay(1) for _ in range(MAX_BATCH_TRANSFERS + 1))
    with pytest.raises(InvariantBroken):
        await shop.ledger.record(Batch(shop.chain.account(), transfers, None, "1", None))


async def test_the_position_tells_since_when_invoices_are_open(shop: Shop) -> None:
    account = shop.chain.account()
    assert (await shop.ledger.position(account)).open_since is None
    first = await shop.invoice(100, 60)
    shop.clock.advance(10)
    await shop.invoice(100, 600)
    position = await shop.ledger.position(account)
    assert (position.cursor, position.open_since) == (None, first.created_at)
    shop.clock.advance(51)
    await shop.scan()
    after = await shop.ledger.position(account)
    assert (after.cursor, after.scanned_until) == ("0", shop.clock())
    assert after.open_since == first.created_at + timedelta(seconds=10)


async def test_what_proved_a_transfer_stays_with_the_payment_and_the_invoice_it_settles(shop: Shop) -> None:
    part, whole = await shop.invoice(100), await shop.invoice(100)
    transfers = (shop.chain.pay(40, part.id), shop.chain.pay(100, whole.id))
    proof = '{"masterchain_block":"(-1,8000000000000000,7)"}'
    await shop.ledger.record(Batch(shop.chain.account(), transfers, None, "2", None, proof))
    assert [row["proof"] for row in await shop.rows("SELECT proof FROM payments")] == [proof, proof]
    assert (await shop.invoicing.get(part.id)).proof is None
    assert (await shop.invoicing.get(whole.id)).proof == proof
    rows = await shop.rows("SELECT body FROM events WHERE invoice_id = $1 AND type = 'invoice.paid'", whole.id)
    assert json.loads(rows[0]["body"])["proof"] == json.loads(proof)


async def test_an_adapter_finds_its_notes_again(shop: Shop) -> None:
    assert await shop.ledger.recall("memory", "trusted") is None
    await shop.ledger.remember("memory", "trusted", b"one")
    await shop.ledger.remember("memory", "trusted", b"two")
    assert await shop.ledger.recall("memory", "trusted") == b"two"
    assert await shop.ledger.recall("other", "trusted") is None
    with pytest.raises(InvariantBroken):
        await shop.ledger.remember("memory", "trusted", bytes(2**20 + 1))
