"""Receipts: only of what was paid, with all that counts for it, and without anything that could run."""

import base64
import hashlib
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.api.receipt_page import THERE_WERE_MORE, receipt_page, receipt_policy
from harvester.domain.acts import By
from harvester.domain.errors import ActRefused, NotFound
from harvester.domain.rates import Money
from harvester.services.invoicing import Draft
from harvester.services.printed_receipts import MAX_PAYMENTS, PrintedReceipt, PrintedReceipts
from harvester.services.rates import Rates
from tests.services.conftest import Shop
from tests.unit.test_api_rendering import INVOICE

EVIL = "</style><script>alert(1)</script><img src=x onerror=alert(2)>'\"&"
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "bdi", "ul", "li"),
    *("table", "thead", "tbody", "tr", "th", "td", "footer"),
}


class Reader(HTMLParser):
    """What a browser makes of a document."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.style = ""
        self._inside = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.style, self._inside = data, ""
        else:
            self.texts.append(data)


def read(receipt: PrintedReceipt) -> Reader:
    reader = Reader(receipt_page(receipt))
    assert {tag for tag, _ in reader.tags} <= ALLOWED
    assert not any(
        name.startswith("on") or name in {"src", "href", "style"} for _, names in reader.tags for name in names
    )
    return reader


async def paid(shop: Shop, draft: Draft) -> UUID:
    invoice = await shop.invoicing.create(draft, "test")
    shop.chain.pay(invoice.amount, invoice.id, payer="alice")
    await shop.scan()
    return invoice.id


async def test_only_a_paid_invoice_has_a_receipt(shop: Shop) -> None:
    receipts = PrintedReceipts(shop.database)
    with pytest.raises(NotFound):
        await receipts.get(uuid4())
    invoice = await shop.invoice()
    with pytest.raises(ActRefused, match="is waiting: only a paid one has a receipt"):
        await receipts.get(invoice.id)
    await shop.invoicing.cancel(invoice.id, "test")
    with pytest.raises(ActRefused, match="is cancelled"):
        await receipts.get(invoice.id)


async def test_a_receipt_says_all_that_there_is_to_say(shop: Shop) -> None:
    rates = Rates(shop.database, shop.chains, shop.clock, timedelta(hours=1))
    await rates.add(rates.pair("USD"), Decimal("2.50"), "cli:bob")
    metadata = {
        "merchant_name": "Café <b>",
        "merchant_url": "https://c.example/?a=1&b",
        "goods": [{"name": "Tea & cake"}],
    }
    asked = Money(Decimal("5.00"), "USD")
    draft = Draft(asked, "MEM", 60, metadata=orjson.dumps(metadata).decode(), order_id="<17>", customer_id="carol")
    invoice_id = await paid(shop, draft)
    receipt = await PrintedReceipts(shop.database).get(invoice_id)
    texts = read(receipt).texts
    [payment] = receipt.payments
    for said in (
        *("Café <b>", "https://c.example/?a=1&b", "Tea & cake", "<17>", "carol", "alice", "merchant", str(invoice_id)),
        *("5.00 USD", "2.50 USD for 1 MEM, as of 2026-01-01 00:00:00 UTC", "2 MEM", payment.tx_hash),
        "The payment was not proven: who told of it was believed.",
    ):
        assert said in texts, said
    assert "bob" not in receipt_page(receipt)


async def test_all_that_counts_for_an_invoice_is_on_its_receipt_and_nothing_else(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    other = await shop.invoice(100)
    first = shop.chain.pay(40, invoice.id, payer="anna")
    shop.chain.pay(100, other.id, payer="other")
    shop.chain.pay(7, invoice.id, asset="token", payer="wrong_asset")
    shop.clock.advance(1)
    stray = shop.chain.pay(60, payer="berta")
    await shop.scan()
    [unmatched] = await shop.rows("SELECT id FROM payments WHERE payer = 'berta'")
    await shop.payments.assign(unmatched["id"], invoice.id, By("test", None))
    shop.clock.advance(1)
    third = shop.chain.pay(5, invoice.id, payer="chris")
    await shop.scan()
    receipt = await PrintedReceipts(shop.database).get(invoice.id)
    assert [payment.tx_hash for payment in receipt.payments] == [first.tx_hash, stray.tx_hash, third.tx_hash]
    assert "Paid too much" in read(receipt).texts


async def test_a_payment_that_was_taken_back_is_not_on_the_receipt(shop: Shop) -> None:
    invoice_id = await paid(shop, Draft(100, "MEM", 60))
    shop.chain.pay(60, payer="berta")
    await shop.scan()
    [stray] = await shop.rows("SELECT id FROM payments WHERE payer = 'berta'")
    await shop.payments.assign(stray["id"], invoice_id, By("test", None))
    await shop.payments.unassign(stray["id"], By("test", None))
    receipt = await PrintedReceipts(shop.database).get(invoice_id)
    assert [payment.payer for payment in receipt.payments] == ["alice"]
    assert THERE_WERE_MORE not in read(receipt).texts


async def test_a_receipt_is_bounded_and_keeps_what_settled_the_invoice(shop: Shop) -> None:
    invoice_id = await paid(shop, Draft(100, "MEM", 60))
    for _ in range(MAX_PAYMENTS + 1):
        shop.clock.advance(1)
        shop.chain.pay(1, invoice_id, payer="dust")
    await shop.scan()
    receipt = await PrintedReceipts(shop.database).get(invoice_id)
    assert len(receipt.payments) == MAX_PAYMENTS
    assert {"alice", receipt.invoice.tx_hash, THERE_WERE_MORE} <= set(read(receipt).texts)


def receipt_of(metadata: Any, proof: str | None = None, **members: Any) -> PrintedReceipt:
    """A receipt of an invoice as it could be stored."""
    paid_from = {"tx_hash": "ab", "proof": proof}
    invoice = replace(INVOICE, metadata=orjson.dumps(metadata).decode(), **paid_from | members)
    return PrintedReceipt(invoice, [], is_cut=False)


def test_the_proof_is_on_it_name_by_name() -> None:
    proof = '{"masterchain_block": {"seqno": 5, "root_hash": "ab"}, "shard_block": {"seqno": 7}, "more": [1, "<b>"]}'
    texts = read(receipt_of({"merchant_name": "m"}, proof)).texts
    at = texts.index("masterchain block seqno")
    assert texts[at : at + 8] == [
        *("masterchain block seqno", "5", "masterchain block root hash", "ab"),
        *("shard block seqno", "7", "more", '[1,"<b>"]'),
    ]


def test_what_credit_settled_is_not_called_unproven() -> None:
    said = read(receipt_of({}, tx_hash=None, paid_by="customer:alice", credited=INVOICE.amount)).texts
    assert "Credit settled the invoice: there is no transaction." in said
    assert "not proven" not in "".join(said)
    assert "Payments" not in said, "a table without rows"


@given(st.text(), st.text(), st.text(), st.text())
def test_whatever_is_written_is_text_on_it(name: str, good: str, url: str, payer: str) -> None:
    texts = [(text + EVIL).replace("\0", "").encode(errors="replace").decode() for text in (name, good, url, payer)]
    metadata = {"merchant_name": texts[0], "goods": [{"name": texts[1]}], "merchant_url": texts[2]}
    receipt = receipt_of(metadata, orjson.dumps({EVIL: EVIL}).decode(), paid_by=texts[3], order_id=EVIL, ticker=EVIL)
    reader = read(receipt)
    found = "".join(reader.texts)
    assert all(
        text.replace("\r\n", "\n").replace("\r", "\n") in found.replace("\r", "\n") or text in found for text in texts
    )


@pytest.mark.parametrize("metadata", [{}, {"goods": None}, {"goods": [None, 1, {}, {"name": 5}]}, {"merchant_name": 1}])
def test_metadata_of_any_form_makes_a_receipt(metadata: Any) -> None:
    assert "Receipt" in read(receipt_of(metadata)).texts


def test_its_policy_allows_its_own_style_and_nothing_else() -> None:
    reader = read(receipt_of({"merchant_name": "m"}))
    digest = base64.b64encode(hashlib.sha256(reader.style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in receipt_policy()
    assert "default-src 'none'" in receipt_policy()
    [policy] = [names["content"] for tag, names in reader.tags if names.get("http-equiv")]
    assert policy == receipt_policy()
