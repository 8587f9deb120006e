"""Requests that the tests of the API make, and what they expect of the answers."""

import json
from typing import Any

from tests.e2e.api_server import BEARER, PRIVATE, Answer, Api

CREATE = f"{PRIVATE}/invoice"
DRAFT: dict[str, Any] = {
    "amount": "5",
    "currency": "TON",
    "life_time": 60,
    "metadata": {"merchant_name": "m"},
}


async def create(api: Api, body: bytes | str | dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
    """Send the body of a new invoice."""
    raw = json.dumps(body) if isinstance(body, dict) else body
    return await api.ask("POST", CREATE, raw.encode() if isinstance(raw, str) else raw, BEARER | (headers or {}))


async def made(api: Api, body: bytes | str | dict[str, Any] = DRAFT) -> dict[str, Any]:
    """Create an invoice, which must succeed, and show that what is stored is what was answered."""
    answer = await create(api, body)
    assert answer.status == 200, answer.text
    invoice: dict[str, Any] = json.loads(answer.text)
    assert (await api.ask("GET", f"{PRIVATE}/invoices/{invoice['id']}")).body == answer.body
    return invoice


async def listed(api: Api, query: str) -> list[str]:
    """The ids of a list."""
    answer = await api.ask("GET", f"{PRIVATE}/invoices?{query}")
    assert answer.status == 200, answer.text
    return [invoice["id"] for invoice in json.loads(answer.text)["invoices"]]


def refusal(answer: Answer, status: int = 400) -> str:
    """The text of a refusal, whose form is checked."""
    body = json.loads(answer.text)
    assert answer.status == status, answer.text
    assert body.keys() == {"error", "code", "request_id"}
    assert answer.headers["X-Request-Id"] == body["request_id"]
    assert body["error"]
    return str(body["error"])
