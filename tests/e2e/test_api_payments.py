"""Payments over HTTP: lists with filters, one with its history, and what people say of them."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from harvester.domain.payment import Transfer
from tests.clock import ManualClock
from tests.e2e.api_server import BEARER, PRIVATE, RECIPIENT, Answer, Api, serving

PAYMENTS = f"{PRIVATE}/payments"
PAYER = "0:" + "83" * 32
FRIENDLY_PAYER = "UQCDg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4ODg4ODg9r5"
NOW = 1_767_225_600
DRAFT = {"amount": "100", "currency": "TON", "life_time": 60, "metadata": {"merchant_name": "m"}}


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Api]:
    async with serving(database_uri, ManualClock()) as opened:
        yield opened


async def ask(api: Api, path: str = "", body: Any = None) -> Any:
    """Ask for something that must succeed; with a body, POST."""
    answer = await send(api, path, body)
    assert answer.status == 200, answer.text
    return json.loads(answer.text)


async def send(api: Api, path: str, body: Any) -> Answer:
    """Send a request; bytes go out as they are."""
    raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    return await api.ask("GET" if body is None else "POST", PAYMENTS + path, raw)


async def refused(api: Api, status: int, path: str, body: Any = None) -> str:
    """Return the text of a refusal."""
    answer = await send(api, path, body)
    assert answer.status == status, answer.text
    return str(json.loads(answer.text)["error"])


async def strays(api: Api, *amounts: int) -> list[int]:
    """Record transfers without a reference, one a second; return their ids, oldest first."""
    transfers = [
        Transfer(
            f"{amount:064x}", 0, "ton", amount, PAYER, datetime.fromtimestamp(NOW + second, UTC), text=f"no {amount}"
        )
        for second, amount in enumerate(amounts)
    ]
    await api.record(None, transfers)
    page = (await ask(api, f"?limit={len(amounts)}"))["payments"]
    return [payment["id"] for payment in reversed(page)]


async def invoice(api: Api) -> dict[str, Any]:
    """Create an invoice."""
    answer = await api.ask("POST", f"{PRIVATE}/invoice", json.dumps(DRAFT).encode())
    made: dict[str, Any] = json.loads(answer.text)
    return made


async def test_a_payment_is_shown_with_everything_that_is_known_of_it(api: Api) -> None:
    (number,) = await strays(api, 7)
    assert await ask(api, f"/{number}") == {
        "id": number,
        "chain": "ton",
        "tx_hash": f"{7:064x}",
        "transfer_index": 0,
        "account_address": RECIPIENT,
        "pay_to_address": RECIPIENT,
        "asset": "ton",
        "amount": "7",
        "payer": PAYER,
        "time": NOW,
        "recorded_at": NOW,
        "class": "unmatched",
        "standing": "recorded",
        "reason": "names an invoice that does not exist",
        "text": "no 7",
        "acts": [],
    }


async def test_filters_paging_and_what_they_may_be(api: Api) -> None:
    numbers = await strays(api, 5, 6, 7, 8)

    async def listed(query: str) -> list[int]:
        return [numbers.index(payment["id"]) for payment in (await ask(api, query))["payments"]]

    assert await listed("") == [3, 2, 1, 0]
    assert await listed("?limit=2") == [3, 2]
    assert (await ask(api, "?limit=2"))["next"] == numbers[2]
    assert await listed(f"?limit=2&before={numbers[2]}") == [1, 0]
    assert "next" not in await ask(api, "?limit=5")
    assert await listed(f"?since={NOW + 1}&until={NOW + 3}") == [2, 1]
    assert await listed("?text=NO%208") == [3]
    assert await listed(f"?payer={FRIENDLY_PAYER}&asset=TON&class=unmatched&standing=recorded") == [3, 2, 1, 0]
    assert await listed(f"?payer={RECIPIENT}") == []
    assert await listed("?asset=SUSD") == []
    for query, text in {
        "?class=nice": "class must be one of: exact",
        "?standing=good": "standing must be one of: recorded",
        "?since=yesterday": "Unix seconds",
        "?since=999999999999": "Unix seconds",
        "?until=-1": "Unix seconds",
        "?invoice_id=5": "UUID",
        "?before=0": "number of a payment",
        "?before=999": "unknown payment id",
        "?before=99999999999999999999": "number of a payment",
        "?limit=1001": "from 1 to 1000",
        "?clas=exact": "unknown parameter 'clas'",
        "?text=" + "x" * 501: "500",
        "?text=%00": "printable",
        "?payer=%0A": "printable",
    }.items():
        assert text in await refused(api, 400, query), query


async def test_assign_take_back_refund_and_ignore(api: Api) -> None:
    first, second, third = await strays(api, 40, 60, 5)
    made = await invoice(api)
    act = {"invoice_id": made["id"], "actor": "alice", "reason": "order 7"}
    assigned = await ask(api, f"/{first}/assign", act)
    assert assigned["assigned"] == {"invoice_id": made["id"], "class": "partial"}
    assert (await ask(api, f"/{first}/unassign", b""))["standing"] == "recorded"
    assert "is recorded" in await refused(api, 409, f"/{second}/unassign", {})
    await ask(api, f"/{first}/assign", act)
    await ask(api, f"/{second}/assign", act)
    settled = json.loads((await api.ask("GET", f"{PRIVATE}/invoices/{made['id']}")).text)
    assert (settled["status"], settled["overpayment"], settled["tx_hash"]) == ("paid", "0", f"{60:064x}")
    assert "paid is final" in await refused(api, 409, f"/{first}/unassign", {})
    assert (await ask(api, f"/{third}/ignore", {"reason": "a test"}))["standing"] == "ignored"
    assert (await ask(api, f"/{third}/refund", {"reason": "asked back"}))["standing"] == "refunded"
    acts = (await ask(api, f"/{third}"))["acts"]
    assert [(each["act"], each["actor"], each["reason"]) for each in acts] == [
        ("ignored", "api", "a test"),
        ("refunded", "api", "asked back"),
    ]
    history = (await ask(api, f"/{first}"))["acts"]
    assert [(each["act"], each["actor"]) for each in history] == [
        ("assigned", "api:alice"),
        ("unassigned", "api"),
        ("assigned", "api:alice"),
    ]
    found = (await ask(api, f"?invoice_id={made['id']}"))["payments"]
    assert [each["id"] for each in found] == [second, first]


async def test_an_act_that_is_not_allowed_says_what_is(api: Api) -> None:
    (number,) = await strays(api, 5)
    unknown = "01920000-0000-7000-8000-000000000000"
    for status, path, body, text in (
        (400, f"/{number}/assign", {}, "invoice_id: Field required"),
        (400, f"/{number}/assign", {"invoice_id": 5}, "valid string"),
        (400, f"/{number}/assign", {"invoice_id": "x"}, "UUID"),
        (404, f"/{number}/assign", {"invoice_id": unknown}, "there is no invoice"),
        (400, f"/{number}/refund", {}, "reason: Field required"),
        (400, f"/{number}/ignore", {"reason": " "}, "one line"),
        (400, f"/{number}/ignore", {"reason": "x" * 501}, "500"),
        (400, f"/{number}/ignore", {"reason": "a\nb"}, "one line"),
        (400, f"/{number}/ignore", {"reason": "why", "actor": "x" * 65}, "actor"),
        (400, f"/{number}/ignore", {"reason": "why", "invoice": "x"}, "invoice: "),
        (400, f"/{number}/ignore", b"[]", "the body: "),
        (404, "/999/refund", {"reason": "why"}, "there is no payment 999"),
        (400, "/x/refund", {"reason": "why"}, "number of a payment"),
        (404, "/999", None, "there is no payment 999"),
    ):
        assert text in await refused(api, status, path, body), (path, body)
    assert (await ask(api, f"/{number}"))["acts"] == []


async def test_strangers_see_nothing(api: Api) -> None:
    (number,) = await strays(api, 5)
    for method, path in (
        ("GET", ""),
        ("GET", f"/{number}"),
        *(("POST", f"/{number}/{act}") for act in ("assign", "refund")),
    ):
        answer = await api.ask(method, PAYMENTS + path, headers=BEARER | {"Authorization": "Bearer x"})
        assert (answer.status, answer.body) == (401, b"")
