"""Invoices as JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from harvester.domain.invoice import Invoice, PaymentRequest
from harvester.domain.lifecycle import Status
from harvester.domain.money import Price
from harvester.services.rendering import list_json, private_json, public_json
from tests.invoices import waiting_invoice

NOW = datetime(2026, 1, 1, microsecond=999_999, tzinfo=UTC)
ID = UUID("01a1ffcd-7927-772b-815c-56377836dd37")
INVOICE = waiting_invoice(
    NOW,
    id=ID,
    amount=2**120 - 1,
    ticker="TON",
    pay_to_address="0:ab",
    expires_at=NOW + timedelta(seconds=60),
    private_info='{"z":1e3,"a":1.10}',
    metadata='{"merchant_name":"m"}',
)
REQUEST = PaymentRequest(links={"universal": "ton://<&>"}, payload="te6c", details={})
PUBLIC = {
    "id": str(ID),
    "status": "waiting",
    "amount": str(2**120 - 1),
    "currency": "TON",
    "pay_to_address": "0:ab",
    "payment_links": {"universal": "ton://<&>"},
    "created_at": 1_767_225_600,
    "expire_at": 1_767_225_660,
    "updated_at": 1_767_225_600,
    "overpayment": "0",
    "payload": "te6c",
}
PAID: dict[str, Any] = {
    "status": Status.PAID,
    "received": 2**120 + 4,
    "paid_by": "0:cd",
    "paid_at": NOW,
    "tx_hash": "ef",
}


def public(invoice: Invoice, request: PaymentRequest = REQUEST) -> dict[str, Any]:
    """The public view, read again."""
    found: dict[str, Any] = json.loads(public_json(invoice, request))
    return found


def test_an_invoice_that_waits_shows_nothing_that_does_not_apply() -> None:
    assert public(INVOICE) == PUBLIC


def test_a_paid_invoice_shows_by_whom_when_and_what_was_too_much() -> None:
    paid = {"status": "paid", "overpayment": "5", "paid_by": "0:cd", "paid_at": 1_767_225_600, "tx_hash": "ef"}
    assert public(replace(INVOICE, **PAID)) == PUBLIC | paid


@pytest.mark.parametrize(
    ("status", "shown"),
    [("unclaimed", "waiting"), ("waiting", "waiting"), ("cancelled", "cancelled"), ("expired", "expired")],
)
def test_every_other_state_counts_all_that_came_as_overpayment(status: str, shown: str) -> None:
    found = public(replace(INVOICE, status=Status(status), received=3))
    assert (found["status"], found["overpayment"]) == (shown, "3")


def test_what_the_chain_adds_is_shown_and_what_it_lacks_is_absent() -> None:
    found = public(INVOICE, PaymentRequest(links={}, payload=None, details={"jetton_info": {"decimals": 6}}))
    assert found["jetton_info"] == {"decimals": 6}
    assert found["payment_links"] == {}
    assert "payload" not in found


def test_the_private_view_adds_the_texts_byte_for_byte() -> None:
    text = private_json(replace(INVOICE, proof='{"b": 1}'), REQUEST)
    assert b'"private_info":{"z":1e3,"a":1.10}' in text
    assert b'"proof":{"b": 1}' in text
    added = {"private_info": {"z": 1000.0, "a": 1.1}, "metadata": {"merchant_name": "m"}, "proof": {"b": 1}}
    assert json.loads(text) == PUBLIC | added
    assert "proof" not in json.loads(private_json(INVOICE, REQUEST))


def test_the_merchants_own_numbers_are_the_merchants_alone() -> None:
    ordered = replace(INVOICE, order_id="17", customer_id="alice")
    assert public(ordered) == PUBLIC
    granted = replace(ordered, **PAID | {"paid_by": "customer:alice", "tx_hash": None})
    assert public(granted)["paid_by"] == "customer"
    assert json.loads(private_json(granted, REQUEST))["paid_by"] == "customer:alice"
    found = json.loads(private_json(ordered, REQUEST))
    assert (found["order_id"], found["customer_id"]) == ("17", "alice")
    assert not {"order_id", "customer_id", "price"} & json.loads(private_json(INVOICE, REQUEST)).keys()


def test_a_price_is_shown_to_everybody_with_its_decimals_and_its_rate() -> None:
    price = Price(Decimal("12.50"), "USD", Decimal("1E-7"), "operator", NOW)
    shown = {"amount": "12.50", "currency": "USD", "rate": "0.0000001", "rate_at": 1_767_225_600}
    assert public(replace(INVOICE, price=price)) == PUBLIC | {"price": shown}


def test_a_list_is_one_object() -> None:
    assert json.loads(list_json([])) == {"invoices": []}
    assert json.loads(list_json([private_json(INVOICE, REQUEST)] * 2)) == {
        "invoices": [json.loads(private_json(INVOICE, REQUEST))] * 2
    }
