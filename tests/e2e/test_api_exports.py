"""Exports and receipts over HTTP."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from harvester.api import exports as routes
from harvester.domain.errors import Unavailable
from harvester.services.exports import Exports, Wanted
from tests.clock import ManualClock
from tests.e2e.api_requests import DRAFT, made, refusal
from tests.e2e.api_server import BEARER, CONTRACT, PRIVATE, Answer, Api, serving

EXPORT = f"{PRIVATE}/export"
PAYER = "-1:" + "83" * 32
NOW = 1_767_225_600


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Api]:
    async with serving(database_uri, ManualClock()) as opened:
        yield opened


def rows(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


async def paid(api: Api, **members: Any) -> Any:
    """Make an invoice and pay it."""
    invoice = await made(api, DRAFT | {"amount": "2500000000"} | members)
    await api.pay(UUID(invoice["id"]), 2_500_000_000, PAYER, "ab" * 32, NOW, proof='{"shard_block": {"seqno": 5}}')
    return invoice


async def test_payments_and_invoices_come_as_files_with_their_value(api: Api) -> None:
    rate = {"currency": "USD", "rate": "5.23", "actor": "alice"}
    assert (await api.ask("POST", f"{PRIVATE}/rates", json.dumps(rate).encode())).status == 201
    invoice = await paid(api, order_id="17")
    answer = await api.ask("GET", f"{EXPORT}/payments.csv?currency=usd&since={NOW}&until={NOW + 1}")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="payments.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    [payment] = rows(answer)
    assert (payment["invoice_id"], payment["order_id"], payment["payer"]) == (invoice["id"], "17", f"'{PAYER}")
    assert (payment["amount"], payment["ticker"], payment["value"], payment["rate"]) == ("2.5", "TON", "13.08", "5.23")
    [row] = rows(await api.ask("GET", f"{EXPORT}/invoices.csv?currency=USD"))
    assert (row["invoice_id"], row["status"], row["received_value"]) == (invoice["id"], "paid", "13.08")
    assert rows(await api.ask("GET", f"{EXPORT}/payments.csv?since={NOW + 1}")) == []
    assert rows(await api.ask("GET", f"{EXPORT}/invoices.csv?until={NOW}")) == []


async def test_the_examples_of_the_document_have_the_columns_that_there_are(api: Api) -> None:
    await paid(api)
    for name in ("payments", "invoices"):
        operation = CONTRACT.document["paths"][f"{EXPORT}/{name}.csv"]["get"]
        [media] = operation["responses"]["200"]["content"].values()
        example = list(csv.DictReader(io.StringIO(media["example"], newline=""), strict=True))
        [row] = rows(await api.ask("GET", f"{EXPORT}/{name}.csv?currency=USD"))
        assert list(example[0]) == list(row)


@pytest.mark.parametrize("query", ["since=x", "until=-1", "currency=$", "limit=5", "since=99999999999999"])
async def test_what_an_export_does_not_understand_is_refused(api: Api, query: str) -> None:
    assert query.partition("=")[0] in refusal(await api.ask("GET", f"{EXPORT}/payments.csv?{query}"))


class Failing(Exports):
    """The database goes away after the first page."""

    async def broken(self) -> AsyncGenerator[bytes, None]:
        yield b'"time"\r\n'
        raise Unavailable("the database does not answer")

    def payments(self, wanted: Wanted) -> AsyncGenerator[bytes, None]:
        del wanted
        return self.broken()


async def test_an_export_that_fails_in_the_middle_breaks_off(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exports, "payments", Failing.payments)
    monkeypatch.setattr(Exports, "broken", Failing.broken, raising=False)
    async with api.http.get(f"{api.url}{EXPORT}/payments.csv", headers=BEARER) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    assert (await api.ask("GET", "/livez")).status == 200


async def test_an_export_that_cannot_begin_is_an_error(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(_self: Exports, _wanted: Wanted) -> AsyncGenerator[bytes, None]:
        raise Unavailable("the database does not answer")
        yield b""

    monkeypatch.setattr(Exports, "payments", none)
    assert "try again later" in refusal(await api.ask("GET", f"{EXPORT}/payments.csv"), 503)


async def test_more_than_a_few_exports_at_a_time_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = asyncio.Event()

    async def slow(_self: Exports, _wanted: Wanted) -> AsyncGenerator[bytes, None]:
        yield b'"time"\r\n'
        await go_on.wait()

    monkeypatch.setattr(Exports, "payments", slow)
    running = [await api.http.get(f"{api.url}{EXPORT}/payments.csv", headers=BEARER) for _ in range(routes.MAX_EXPORTS)]
    answer = await api.ask("GET", f"{EXPORT}/invoices.csv")
    assert refusal(answer, 429) == "4 exports are running already"
    go_on.set()
    assert [await each.read() for each in running] == [b'"time"\r\n'] * routes.MAX_EXPORTS
    assert (await api.ask("GET", f"{EXPORT}/invoices.csv")).status == 200


async def test_a_client_that_goes_frees_its_place(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = asyncio.Event()

    async def endless(_self: Exports, _wanted: Wanted) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"x" * 65536
        finally:
            closed.set()

    monkeypatch.setattr(Exports, "payments", endless)
    answer = await api.http.get(f"{api.url}{EXPORT}/payments.csv", headers=BEARER)
    await answer.content.readexactly(100_000)
    answer.close()
    await asyncio.wait_for(closed.wait(), 10)


async def test_a_receipt_is_a_page_of_a_paid_invoice(api: Api) -> None:
    waiting = await made(api)
    told = refusal(await api.ask("GET", f"{PRIVATE}/invoices/{waiting['id']}/receipt"), 409)
    assert told == f"invoice {waiting['id']} is waiting: only a paid one has a receipt"
    unknown = "01970c00-a927-77e4-88fa-67d72ae4c4be"
    assert refusal(await api.ask("GET", f"{PRIVATE}/invoices/{unknown}/receipt"), 404) == "not found"
    assert "invalid id" in refusal(await api.ask("GET", f"{PRIVATE}/invoices/x/receipt"))
    metadata = {"merchant_name": "Café <script>", "goods": [{"name": "Tea & cake"}]}
    invoice = await paid(api, metadata=metadata)
    answer = await api.ask("GET", f"{PRIVATE}/invoices/{invoice['id']}/receipt")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Café &lt;script&gt;" in answer.text
    assert "Tea &amp; cake" in answer.text
    assert "2.5 TON" in answer.text
    assert "shard block seqno" in answer.text
    assert "<script" not in answer.text
