"""Lists of invoices over HTTP: filters, pages in both directions, and the payments of one invoice."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from tests.clock import ManualClock
from tests.e2e.api_requests import DRAFT, listed, made, refusal
from tests.e2e.api_server import PRIVATE, Api, serving

NOW = 1_767_225_600
PAYER = "0:" + "83" * 32
FRIENDLY_PAYER = "UQCDg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4ODg9r5"
UNKNOWN = "01970c00-a927-77e4-88fa-67d72ae4c4be"


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Api]:
    async with serving(database_uri, ManualClock()) as opened:
        yield opened


async def shop(api: Api) -> list[str]:
    """Make five invoices, a second apart; return their ids.

    The first is paid, the second half paid, the third cancelled, the fourth in another currency.
    """
    ids = []
    for number, more in enumerate([{}, {"customer_id": "alice"}, {"order_id": "3"}, {"currency": "SUSD"}, {}]):
        ids.append((await made(api, DRAFT | {"customer_id": f"customer {number}"} | more))["id"])
        api.clock.advance(1)
    await api.pay(UUID(ids[0]), 5, PAYER, "ab" * 32, NOW)
    await api.pay(UUID(ids[1]), 3, PAYER, "cd" * 32, NOW + 1)
    await api.ask("POST", f"{PRIVATE}/invoices/{ids[2]}/cancel")
    return ids


async def page(api: Api, query: str) -> Any:
    """Ask for a page."""
    answer = await api.ask("GET", f"{PRIVATE}/invoices?{query}")
    assert answer.status == 200, answer.text
    return json.loads(answer.text)


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("order=desc", [4, 3, 2, 1, 0]),
        ("status=waiting", [1, 3, 4]),
        ("status=paid,cancelled", [0, 2]),
        ("status=expired", []),
        ("status=paid,paid,paid", [0]),
        ("currency=SUSD", [3]),
        ("currency=susd", []),
        (f"since={NOW + 1}&until={NOW + 3}", [1, 2]),
        (f"since={NOW + 4}", [4]),
        ("order_id=3", [2]),
        ("customer_id=alice", [1]),
        ("customer_id=customer%204&status=waiting&currency=TON", [4]),
        ("customer_id=customer%204&status=paid", []),
        ("tx_hash=" + "AB" * 32, [0]),
        ("tx_hash=" + "cd" * 32, [1]),
        ("tx_hash=00", []),
        (f"address={PAYER}", [0]),
        (f"address={FRIENDLY_PAYER}&order=desc", [0]),
        ("status=&currency=&since=&order=&address=", [0, 1, 2, 3, 4]),
        ("colour=blue", [0, 1, 2, 3, 4]),
    ],
)
async def test_a_filter_shows_what_it_says(api: Api, query: str, places: list[int]) -> None:
    ids = await shop(api)
    assert [ids.index(each) for each in await listed(api, query)] == places


async def test_next_and_prev_lead_through_the_list_and_back(api: Api) -> None:
    ids = await shop(api)
    assert (await page(api, "limit=5")).keys() == {"invoices"}
    for order, expected in {"asc": ids, "desc": ids[::-1]}.items():
        query = f"limit=2&order={order}&since={NOW}"
        first = await page(api, query)
        second = await page(api, f"{query}&after={first['next']}")
        third = await page(api, f"{query}&after={second['next']}")
        assert [each["id"] for found in (first, second, third) for each in found["invoices"]] == expected
        assert "prev" not in first
        assert "next" not in third
        assert await page(api, f"{query}&before={third['prev']}") == second
        assert await page(api, f"{query}&before={second['prev']}") == first


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("status=open", "status must be one or several of: waiting, paid, cancelled, expired"),
        ("status=unclaimed", "status must be one or several of"),
        ("status=paid,", "status must be one or several of"),
        ("order=up", "order must be one of: asc, desc"),
        ("since=now", "since must be a moment in Unix seconds"),
        ("until=-1", "until must be a moment in Unix seconds"),
        ("tx_hash=xyz", "tx_hash must be hexadecimal"),
        ("tx_hash=" + "a" * 129, "tx_hash must be hexadecimal"),
        ("order_id=" + "x" * 256, "order_id must be at most 255 printable characters"),
        ("customer_id=%00", "customer_id must be at most 255 printable characters"),
        ("currency=%7f", "currency must be at most 255 printable characters"),
        ("address=%0a", "address must be at most 255 printable characters"),
        (f"after={UNKNOWN}", "unknown invoice ID"),
        (f"before={UNKNOWN}", "unknown invoice ID"),
        (f"before={UNKNOWN}&status=paid", "unknown invoice ID"),
        ("before=5", "UUID"),
        (f"after={UNKNOWN}&before={UNKNOWN}", "after and before cannot be given together"),
        ("limit=0", "from 1 to 1000"),
    ],
)
async def test_what_is_not_allowed_is_said(api: Api, query: str, text: str) -> None:
    assert text in refusal(await api.ask("GET", f"{PRIVATE}/invoices?{query}"))


async def payments_of(api: Api, invoice_id: str, query: str = "") -> list[dict[str, Any]]:
    """The payments of an invoice."""
    answer = await api.ask("GET", f"{PRIVATE}/invoices/{invoice_id}/payments{query}")
    assert answer.status == 200, answer.text
    payments: list[dict[str, Any]] = json.loads(answer.text)["payments"]
    return payments


async def test_the_payments_of_an_invoice_are_those_that_count_and_those_that_meant_it(api: Api) -> None:
    ids = await shop(api)
    await api.pay(UUID(ids[3]), 7, PAYER, "ef" * 32, NOW + 2)
    await api.pay(UUID(ids[0]), 4, PAYER, "01" * 32, NOW + 3)
    late, exact = await payments_of(api, ids[0])
    assert (late["class"], late["counts"]) == ("duplicate", True)
    assert (exact["class"], exact["counts"], exact["tx_hash"]) == ("exact", True, "ab" * 32)
    assert await payments_of(api, ids[0], "?limit=1") == [late]
    first = await api.ask("GET", f"{PRIVATE}/invoices/{ids[0]}/payments?limit=1")
    assert json.loads(first.text)["next"] == late["id"]
    assert await payments_of(api, ids[0], f"?limit=1&before={late['id']}") == [exact]
    (wrong,) = await payments_of(api, ids[3])
    assert (wrong["class"], wrong["counts"]) == ("wrong_asset", False)
    assert await payments_of(api, ids[4]) == []


async def test_a_payment_that_was_assigned_counts_where_it_was_assigned_to(api: Api) -> None:
    ids = await shop(api)
    await api.pay(UUID(ids[3]), 2, PAYER, "ef" * 32, NOW + 2)
    (wrong,) = await payments_of(api, ids[3])
    path = f"{PRIVATE}/payments/{wrong['id']}"
    await api.ask("POST", f"{path}/assign", json.dumps({"invoice_id": ids[1]}).encode())
    assert [each["counts"] for each in await payments_of(api, ids[1])] == [True, True]
    assert [each["counts"] for each in await payments_of(api, ids[3])] == [False]
    assert await listed(api, "tx_hash=" + "ef" * 32) == [ids[1], ids[3]]
    settled = await page(api, "status=paid")
    assert [each["id"] for each in settled["invoices"]] == ids[:2]


async def test_payments_of_what_is_not_there_are_refused(api: Api) -> None:
    (invoice_id, *_) = await shop(api)
    assert refusal(await api.ask("GET", f"{PRIVATE}/invoices/{UNKNOWN}/payments"), 404) == "not found"
    assert "UUID" in refusal(await api.ask("GET", f"{PRIVATE}/invoices/5/payments"))
    assert "no payment 999" in refusal(await api.ask("GET", f"{PRIVATE}/invoices/{invoice_id}/payments?before=999"))
    assert "number of a payment" in refusal(await api.ask("GET", f"{PRIVATE}/invoices/{invoice_id}/payments?before=x"))
