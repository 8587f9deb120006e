"""Events over HTTP: pages that wait for news, and a stream that is taken up where it broke off."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from harvester.api.app import SHUTDOWN_SECS
from tests.e2e.daemon import Daemon
from tests.e2e.eventually import eventually
from tests.e2e.memory_adapter import install
from tests.e2e.private_server import PRIVATE, TOKEN, Server, serving
from tests.outbox import rows

WAIT_SECS = 20.0


@pytest.fixture
async def server(database_uri: str) -> AsyncIterator[Server]:
    async with serving(database_uri) as running:
        yield running


class Stream:
    """A client of the stream, as browsers and libraries read it."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def next(self) -> dict[str, str] | None:
        """Return the fields of the next message; a comment has the field ``; None: the stream has ended."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(WAIT_SECS):
            while line := (await self.answer.content.readline()).decode():
                if line == "\n":
                    return fields
                name, _, value = line.rstrip("\n").partition(":")
                fields[name] = value.removeprefix(" ")
        return None

    async def event(self) -> dict[str, str]:
        """Return the next message that is an event."""
        while "id" not in (fields := await self.next() or {}):
            assert fields, "the stream has ended"
        return fields


async def readers(server: Server, count: int) -> None:
    """Return when so many are reading."""

    async def there() -> bool:
        return server.feed.readers == count

    await eventually(there, f"{count} readers")


@asynccontextmanager
async def streaming(server: Server, path: str = "/events/stream", **headers: str) -> AsyncIterator[Stream]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with server.http.get(PRIVATE + path, headers=named) as answer:
        assert answer.status == 200, await answer.text()
        yield Stream(answer)


async def test_a_page_has_events_in_order_and_says_where_to_go_on(server: Server) -> None:
    first, second = await server.invoice(), await server.invoice()
    await server.invoicing.cancel(first, "test")
    status, page = await server.ask("GET", "/events?limit=2")
    assert status == 200
    assert [(event["number"], event["invoice_id"]) for event in page["events"]] == [(1, str(first)), (2, str(second))]
    assert page["next"] == 2
    _, rest = await server.ask("GET", f"/events?after={page['next']}")
    (event,) = rest["events"]
    assert (event["number"], event["type"], event["sequence"]) == (3, "invoice.cancelled", 2)
    assert (event["data"]["id"], event["data"]["status"]) == (str(first), "cancelled")
    assert event["created_at"] == event["data"]["updated_at"]
    (row,) = await rows(server.database, "SELECT id FROM events WHERE number = 3")
    assert event["id"] == str(row["id"]), "the same id as the webhook's"
    assert await server.ask("GET", f"/events?after={rest['next']}") == (200, {"events": [], "next": 3})


async def test_a_reader_that_waits_is_told_at_once(server: Server) -> None:
    await server.invoice()
    waiting = asyncio.create_task(server.ask("GET", "/events?after=1&wait=60"))
    await readers(server, 1)
    await server.invoice()
    status, page = await asyncio.wait_for(waiting, WAIT_SECS)
    assert (status, [event["number"] for event in page["events"]]) == (200, [2])


async def test_what_another_process_made_is_found_without_a_hint(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = asyncio.create_task(server.ask("GET", "/events?wait=60"))
    await readers(server, 1)
    monkeypatch.setattr(server.signals, "publish", lambda *_channels: None)  # as in another process
    await server.invoice()
    _, page = await asyncio.wait_for(waiting, WAIT_SECS)
    assert page["next"] == 1


async def test_a_wait_ends_without_news(server: Server) -> None:
    started = time.monotonic()
    assert await server.ask("GET", "/events?wait=1") == (200, {"events": [], "next": 0})
    assert 0.9 < time.monotonic() - started < WAIT_SECS


async def test_an_event_that_is_not_settled_is_waited_for(server: Server) -> None:
    invoice_id = await server.invoice()
    async with server.database.transaction() as late:
        await late.execute("UPDATE invoices SET updated_at = updated_at WHERE id = $1", invoice_id)
        await late.execute("LOCK TABLE events IN ROW EXCLUSIVE MODE")
        assert await server.ask("GET", "/events") == (200, {"events": [], "next": 0})
        waiting = asyncio.create_task(server.ask("GET", "/events?wait=60"))
        await readers(server, 1)
    _, page = await asyncio.wait_for(waiting, WAIT_SECS)
    assert page["next"] == 1


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("after=x", "after must be"),
        ("after=-1", "after must be"),
        ("after=99999999999999999999", "after must be"),
        ("after=1", "restored from a copy"),
        ("limit=0", "limit must be"),
        ("limit=1001", "limit must be"),
        ("wait=61", "wait must be"),
        ("wait=1.5", "wait must be"),
    ],
)
async def test_what_is_not_allowed_is_refused_in_words(server: Server, query: str, says: str) -> None:
    for path in ("/events", "/events/stream") if "after" in query else ("/events",):
        status, body = await server.ask("GET", f"{path}?{query}")
        assert (status, body["code"]) == (400, "invalid_input")
        assert says in body["error"]


async def test_only_the_merchant_reads(server: Server) -> None:
    for path in ("/events", "/events/stream"):
        async with server.http.get(PRIVATE + path, headers={"Authorization": "Bearer guess"}) as answer:
            assert answer.status == 401


async def test_a_stream_has_what_was_and_what_comes(server: Server) -> None:
    first = await server.invoice()
    async with streaming(server) as stream:
        assert stream.answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert stream.answer.headers["Cache-Control"] == "no-store"
        assert stream.answer.headers["X-Request-Id"]
        assert await stream.next() == {"retry": "2000"}
        event = await stream.event()
        assert (event["id"], event["event"]) == ("1", "invoice.created")
        data: dict[str, Any] = json.loads(event["data"])
        _, page = await server.ask("GET", "/events")
        assert data == page["events"][0]
        await server.invoicing.cancel(first, "test")
        assert (await stream.event())["event"] == "invoice.cancelled"


async def test_a_stream_that_broke_off_goes_on_after_the_last_event(server: Server) -> None:
    for _ in range(3):
        await server.invoice()
    async with streaming(server, "/events?after=1", Accept="text/event-stream", Last_Event_ID="2") as stream:
        assert (await stream.event())["id"] == "3"
    async with streaming(server, "/events/stream?after=1") as stream:
        assert (await stream.event())["id"] == "2"
    for wrong in ("two", str(2**63), "9" * 5000):
        status, body = await server.ask("GET", "/events/stream", headers={"Last-Event-ID": wrong})
        assert (status, body["error"]) == (400, "Last-Event-ID must be the number of an event")


async def test_a_silent_stream_shows_that_it_lives(database_uri: str) -> None:
    async with serving(database_uri, heartbeat_secs=0.05) as server, streaming(server) as stream:
        assert await stream.next() == {"retry": "2000"}
        for _ in range(3):
            assert await stream.next() == {"": "still here"}
        await server.invoice()
        assert (await stream.event())["id"] == "1"


async def test_a_client_that_goes_leaves_nothing_behind(database_uri: str) -> None:
    async with serving(database_uri, heartbeat_secs=0.01) as server:
        async with streaming(server) as stream:
            await stream.next()
            assert server.feed.readers == 1
        await readers(server, 0)
        assert server.signals._hints["events"] == []


async def test_the_end_of_the_daemon_ends_waits_and_streams_cleanly(server: Server) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(server.feed.run(stop))
    async with streaming(server) as stream:
        waiting = asyncio.create_task(server.ask("GET", "/events?wait=60"))
        await readers(server, 2)
        stop.set()
        async with asyncio.timeout(WAIT_SECS):
            await running
            assert await waiting == (200, {"events": [], "next": 0})
            while await stream.next() is not None:
                pass
        assert await server.ask("GET", "/events?wait=60") == (200, {"events": [], "next": 0})


async def test_a_daemon_with_readers_stops_at_once(tmp_path: Path, database_uri: str) -> None:
    settings = install(tmp_path / "site") | {"TOKEN": TOKEN, "POSTGRES_URI": database_uri}
    daemon = Daemon(settings, tmp_path)
    await daemon.start_ready()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        async with (
            aiohttp.ClientSession(daemon.url, headers=headers) as http,
            http.get(f"{PRIVATE}/events/stream") as answer,
        ):
            stream, body = Stream(answer), {"amount": "1", "currency": "MEM", "life_time": 60}
            async with http.post(f"{PRIVATE}/invoice", json=body | {"metadata": {"merchant_name": "x"}}) as made:
                assert made.status == 200
            assert (await stream.event())["event"] == "invoice.created"
            started = time.monotonic()
            assert await daemon.stop() == 0
            assert time.monotonic() - started < SHUTDOWN_SECS / 2
            while await stream.next() is not None:
                pass
    finally:
        await daemon.kill()


async def test_there_is_a_bound_on_readers(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvester.api.events.MAX_READERS", 1)
    async with streaming(server) as stream:
        await stream.next()
        for path in ("/events", "/events/stream"):
            status, body = await server.ask("GET", path)
            assert (status, body["error"]) == (429, "1 readers of events are connected already")
