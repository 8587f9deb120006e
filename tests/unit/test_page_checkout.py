"""What the page has to say of an invoice at one moment."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.api.page.checkout import Checkout, Stage, check_out
from harvester.api.page.document import invoice_page
from harvester.api.page.merchant import read_merchant
from harvester.api.page.site import Site
from harvester.api.page.texts import Languages
from harvester.api.receipt_page import receipt_facts
from harvester.domain.invoice import ByHand
from harvester.domain.lifecycle import Status
from harvester.domain.money import Price
from harvester.services.chains import Chains
from tests.invoices import waiting_invoice
from tests.memory_chain import MemoryChain
from tests.unit.test_page_html import Reader, nasty, texts

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHAINS = Chains([MemoryChain(lambda: NOW)])
ENGLISH = Languages.shipped().choose("")
SITE = Site()
INVOICE = waiting_invoice(
    NOW,
    id=UUID("01970c00-a927-77e4-88fa-67d72ae4c4be"),
    amount=1_000,
    decimals=2,
    expires_at=NOW + timedelta(seconds=90),
    metadata='{"merchant_name": "Shop"}',
)
PAID = replace(INVOICE, status=Status.PAID, received=1_000, paid_at=NOW, paid_by="payer", tx_hash="ab" * 32)


def at(now: datetime = NOW, **changes: Any) -> Checkout:
    return check_out(replace(INVOICE, **changes), CHAINS, now)


def page(checkout: Checkout) -> Reader:
    merchant = read_merchant(checkout.invoice.metadata)
    return Reader(invoice_page(checkout, merchant, None, ENGLISH, SITE, "/state"))


@pytest.mark.parametrize(
    ("changes", "later_secs", "stage", "headline"),
    [
        ({}, 0, Stage.WAITING, 1_000),
        ({"status": Status.UNCLAIMED}, 0, Stage.WAITING, 1_000),
        ({}, 90, Stage.WAITING, 1_000),
        ({"received": 1}, 0, Stage.PARTIAL, 999),
        ({}, 90.001, Stage.CLOSING, 1_000),
        ({"received": 1}, 91, Stage.CLOSING, 1_000),
        ({"status": Status.PAID, "received": 1_000}, 0, Stage.PAID, 1_000),
        ({"status": Status.PAID, "received": 990}, 500, Stage.PAID, 990),
        ({"status": Status.PAID, "received": 1_001}, 0, Stage.PAID, 1_000),
        ({"status": Status.EXPIRED, "received": 5}, 91, Stage.EXPIRED, 1_000),
        ({"status": Status.CANCELLED}, 0, Stage.CANCELLED, 1_000),
    ],
)
def test_each_state_at_each_time_has_its_stage_and_headline(
    changes: dict[str, Any], later_secs: float, stage: Stage, headline: int
) -> None:
    checkout = at(NOW + timedelta(seconds=later_secs), **changes)
    assert (checkout.stage, checkout.headline) == (stage, headline)


def test_links_ask_for_what_is_due() -> None:
    assert "amount=1000&" in at().request.links["universal"]
    assert "amount=999&" in at(received=1).request.links["universal"]


def test_the_version_is_what_the_script_makes_of_the_public_invoice() -> None:
    assert at(status=Status.UNCLAIMED).version == "waiting:0"
    assert at(received=7).version == "waiting:7"
    assert at(status=Status.PAID, received=1_003).version == "paid:3"


@given(st.integers(0, 2**256), st.integers(0, 255))
def test_any_amount_is_shown_exactly(amount: int, decimals: int) -> None:
    checkout = at(decimals=decimals)
    assert Fraction(checkout.exact(amount)) * 10**decimals == amount
    figure = checkout.figure(amount)
    assert figure.replace("\N{NARROW NO-BREAK SPACE}", "") == checkout.exact(amount)
    whole = figure.partition(".")[0].split("\N{NARROW NO-BREAK SPACE}")
    assert len(whole) == 1 or (all(len(group) == 3 for group in whole[1:]) and 0 < len(whole[0]) <= 3)


@given(amount=st.integers(0, 2**120), received=st.integers(0, 2**120), decimals=st.integers(0, 255), name=texts | nasty)
def test_any_invoice_has_a_page_whose_texts_are_texts(amount: int, received: int, decimals: int, name: str) -> None:
    metadata = json.dumps({"merchant_name": name, "goods": [{"name": name}], "merchant_url": name})
    for status in Status:
        at_hand = at(amount=amount, received=received, decimals=decimals, status=status, ticker=name, metadata=metadata)
        read = page(at_hand)
        assert {tag for tag, _ in read.elements}.isdisjoint({"b", "iframe", "object", "base"})
        assert [attributes for tag, attributes in read.elements if tag == "script"] == [
            {"type": "module", "src": SITE.script.url}
        ]
        assert not any(each.startswith("on") for _, attributes in read.elements for each in attributes)
        assert all("style" not in attributes for _, attributes in read.elements)
        assert at_hand.figure(at_hand.headline) in read.text


def test_what_is_bought_is_shown_only_until_the_id_stands_on_the_chain() -> None:
    metadata = '{"merchant_name": "Shop", "goods": [{"name": "a secret"}]}'
    assert "a secret" in page(at(metadata=metadata)).text
    for changes in ({"received": 1}, {"status": Status.PAID, "received": 1_000}, {"status": Status.EXPIRED}):
        assert "a secret" not in page(at(metadata=metadata, **changes)).text


def test_a_price_is_shown_beside_its_amount_and_not_beside_a_rest_of_it() -> None:
    price = Price(Decimal("12.50"), "EUR", Decimal(5), "test", NOW)
    assert "12.50\N{NO-BREAK SPACE}EUR" in page(at(price=price)).text
    assert "EUR" not in page(at(price=price, received=1)).text


def test_a_link_to_an_explorer_is_there_only_if_the_operator_has_named_one() -> None:
    checkout = check_out(PAID, CHAINS, NOW)
    assert not [each for tag, each in page(checkout).elements if tag == "a"]
    site = Site(explorers={"memory": "https://explorer.example/tx/{tx_hash}"})
    read = Reader(invoice_page(checkout, read_merchant("{}"), None, ENGLISH, site, "/state"))
    assert {"https://explorer.example/tx/" + "ab" * 32} == {each["href"] for tag, each in read.elements if tag == "a"}


def test_an_invoice_whose_chain_is_gone_says_that_it_cannot_be_paid_here() -> None:
    checkout = check_out(replace(INVOICE, chain="gone"), CHAINS, NOW)
    read = page(checkout)
    assert "cannot be paid from here" in read.text
    assert {"a", "details", "code"}.isdisjoint(tag for tag, _ in read.elements)


def test_by_hand_is_offered_only_as_the_adapter_says() -> None:
    checkout = at()
    assert "details" not in {tag for tag, _ in page(checkout).elements}
    for comment, shown in (("a-comment", True), (None, False)):
        request = replace(checkout.request, links={}, by_hand=ByHand("an-address", comment))
        read = page(replace(checkout, request=request))
        assert "an-address" in read.text
        assert ("a-comment" in read.text) is shown
        assert "cannot be paid from here" not in read.text


def test_an_invoice_of_nobody_in_particular_has_a_page() -> None:
    read = page(at(metadata="{}"))
    assert "header" not in {tag for tag, _ in read.elements}
    assert read.text.startswith("Pay 10\N{NO-BREAK SPACE}MEMAmount")


def test_what_credit_paid_shows_as_paid() -> None:
    paid = replace(INVOICE, status=Status.PAID, paid_at=NOW, paid_by="customer:alice", credited=INVOICE.amount)
    assert (check_out(paid, CHAINS, NOW).headline, paid.overpayment) == (1_000, 0)
    assert receipt_facts(paid)["Paid from credit"] == "10 MEM"
    assert replace(paid, received=7).overpayment == 7
