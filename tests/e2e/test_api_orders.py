"""Invoices for orders: the merchant's own numbers over HTTP, and never two invoices for one order."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.clock import ManualClock
from tests.e2e.api_requests import DRAFT, create, listed, made
from tests.e2e.api_server import PUBLIC, Api, serving

ORDER = DRAFT | {"order_id": "№ 2026/17 „new“", "customer_id": "alice@shop.example"}
RIVALS = 8


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Api]:
    async with serving(database_uri, ManualClock()) as opened:
        yield opened


async def refused(api: Api, body: dict[str, Any]) -> dict[str, str]:
    """Return the answer to a request that must be refused because the order has an invoice."""
    answer = await create(api, body)
    assert answer.status == 409, answer.text
    found: dict[str, str] = json.loads(answer.text)
    assert found["code"] == "order_exists"
    return found


async def test_the_merchants_numbers_come_back_to_the_merchant_alone(api: Api) -> None:
    invoice = await made(api, ORDER)
    assert (invoice["order_id"], invoice["customer_id"]) == (ORDER["order_id"], ORDER["customer_id"])
    public = json.loads((await api.ask("GET", f"{PUBLIC}/invoices/{invoice['id']}", headers={})).text)
    assert not {"order_id", "customer_id"} & public.keys()


async def test_a_second_invoice_for_an_order_is_refused_and_the_first_is_named(api: Api) -> None:
    invoice = await made(api, ORDER)
    refusal = await refused(api, ORDER | {"amount": "6"})
    assert refusal["invoice_id"] == invoice["id"]
    assert invoice["id"] in refusal["error"]
    assert await listed(api, "") == [invoice["id"]]


async def test_an_order_keeps_its_invoice_after_that_was_cancelled(api: Api) -> None:
    invoice = await made(api, ORDER)
    await api.ask("POST", f"/tonpay/private/api/v1/invoices/{invoice['id']}/cancel")
    assert (await refused(api, ORDER))["invoice_id"] == invoice["id"]


async def test_customers_may_have_any_number_of_invoices_and_most_invoices_have_no_order(api: Api) -> None:
    for _ in range(2):
        await made(api, DRAFT | {"customer_id": "alice"})
    assert len(await listed(api, "")) == 2


async def test_of_many_requests_at_once_for_one_order_exactly_one_wins(api: Api) -> None:
    for order in map(str, range(5)):
        answers = await asyncio.gather(*(create(api, DRAFT | {"order_id": order}) for _ in range(RIVALS)))
        (winner,) = [json.loads(answer.text) for answer in answers if answer.status == 200]
        losers = [json.loads(answer.text) for answer in answers if answer.status == 409]
        assert [loser["invoice_id"] for loser in losers] == [winner["id"]] * (RIVALS - 1)
    assert len(await listed(api, "")) == 5
