"""The live state of one invoice, as browsers read it: each change, signs of life, an end, and only so many readers."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from uuid_utils.compat import uuid7

from harvester.api.app import SHUTDOWN_SECS
from harvester.api.page.stream import Seats
from harvester.services.invoicing import Invoicing
from tests.e2e.api_contract import Contract
from tests.e2e.eventually import eventually
from tests.e2e.page_server import PageServer, serving
from tests.e2e.test_api_events import Stream

CONTRACT = Contract()
PATH = "/tonpay/public/api/v1/invoices/{id}/stream"


@pytest.fixture
async def server(database_uri: str) -> AsyncIterator[PageServer]:
    async with serving(database_uri) as running:
        yield running


@asynccontextmanager
async def reading(server: PageServer, invoice: Any) -> AsyncIterator[Stream]:
    async with server.http.get(server.stream(invoice)) as answer:
        assert answer.status == 200, await answer.text()
        CONTRACT.check("GET", PATH, answer.status, answer.headers, b"")
        stream = Stream(answer)
        assert await stream.next() == {"retry": "2000"}
        yield stream


async def told(stream: Stream) -> dict[str, Any]:
    """Return the next invoice that comes."""
    fields = await stream.next()
    assert fields
    invoice: dict[str, Any] = json.loads(fields["data"])
    CONTRACT.validate({"$ref": "#/components/schemas/PublicInvoice"}, invoice)
    return invoice


async def test_it_begins_with_the_invoice_as_it_is_and_ends_when_nothing_more_can_happen(server: PageServer) -> None:
    invoice = await server.invoice(amount=10)
    async with reading(server, invoice) as stream:
        assert (await told(stream))["overpayment"] == "0"
        await server.pay(invoice, 4)
        partly = await told(stream)
        assert (partly["status"], partly["overpayment"]) == ("waiting", "4")
        await server.pay(invoice, 6)
        paid = await told(stream)
        assert paid["status"] == "paid"
        assert len(paid["tx_hash"]) == 64
        assert await stream.next() is None
    async with reading(server, invoice) as stream:
        assert (await told(stream))["status"] == "paid"
        assert await stream.next() is None


async def test_cancelling_and_expiring_are_told(server: PageServer) -> None:
    cancelled, expired = await server.invoice(), await server.invoice()
    async with reading(server, cancelled) as first, reading(server, expired) as second:
        await told(first)
        await told(second)
        await server.invoicing.cancel(cancelled.id, "test")
        assert (await told(first))["status"] == "cancelled"
        await server.expire(expired)
        assert (await told(second))["status"] == "expired"


async def test_what_happens_to_others_is_not_told(server: PageServer) -> None:
    mine, other = await server.invoice(amount=10), await server.invoice(amount=10)
    async with reading(server, mine) as stream:
        await told(stream)
        await server.pay(other, 10)
        await server.pay(mine, 3)
        assert (await told(stream))["overpayment"] == "3"


async def test_what_another_process_does_is_seen_without_a_word_from_it(
    server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hint may be lost: looking is the truth."""
    monkeypatch.setattr(Invoicing, "_announce", lambda _self, _invoice: None)
    invoice = await server.invoice()
    async with reading(server, invoice) as stream:
        await told(stream)
        await server.invoicing.cancel(invoice.id, "test")
        assert (await told(stream))["status"] == "cancelled"


async def test_a_quiet_stream_shows_that_it_lives(database_uri: str) -> None:
    async with (
        serving(database_uri, heartbeat_secs=0.05) as server,
        reading(server, await server.invoice()) as stream,
    ):
        await told(stream)
        assert [await stream.next() for _ in range(3)] == [{"event": "ping", "data": ""}] * 3


async def test_an_invoice_that_does_not_exist_is_refused(server: PageServer) -> None:
    for number, status in ((uuid7(), 404), ("x", 400)):
        async with server.http.get(f"{server.url}{PATH.replace('{id}', str(number))}") as answer:
            assert answer.status == status
            CONTRACT.check("GET", PATH, answer.status, answer.headers, await answer.read())


async def test_more_readers_than_there_are_seats_are_sent_away_for_a_while(database_uri: str) -> None:
    async with serving(database_uri, seats=Seats(in_all=2), heartbeat_secs=0.1) as server, AsyncExitStack() as stack:
        invoice = await server.invoice()
        first = await stack.enter_async_context(AsyncExitStack())
        await told(await first.enter_async_context(reading(server, invoice)))
        await told(await stack.enter_async_context(reading(server, invoice)))
        async with server.http.get(server.stream(invoice)) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "30")
            assert (await answer.json())["code"] == "too_many_readers"
            CONTRACT.check("GET", PATH, answer.status, answer.headers, await answer.read())
        await first.aclose()

        async def admitted() -> bool:
            async with server.http.get(server.stream(invoice)) as answer:
                return answer.status == 200

        await eventually(admitted, "a free seat")


async def test_a_server_that_stops_lets_its_readers_go_at_once(database_uri: str) -> None:
    async with AsyncExitStack() as stack, aiohttp.ClientSession() as http:
        async with serving(database_uri) as server:
            server.http = http
            stream = await stack.enter_async_context(reading(server, await server.invoice()))
            await told(stream)
            stopped_at = time.monotonic()
        assert time.monotonic() - stopped_at < SHUTDOWN_SECS / 2
