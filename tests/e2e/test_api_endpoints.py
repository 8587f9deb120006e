"""Endpoints over the API and on the command line: who is told of what, with which secret, and what became of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from standardwebhooks import Webhook

from harvester.domain.egress import EgressRules
from harvester.metrics import Metrics
from harvester.services import delivery, endpoints
from harvester.services.delivery import Delivery
from harvester.storage.database import Database
from harvester.webhooks.client import WebhookClient
from tests.e2e.memory_adapter import install
from tests.e2e.private_server import Server, serving
from tests.e2e.test_cli import Shell
from tests.outbox import add_endpoint, rows, stored_attempts
from tests.receiver import WAIT_SECS, Receiver, answer, receiving

ANYWHERE = EgressRules(allow_http=True, networks=(ip_network("127.0.0.0/8"),))


@pytest.fixture
async def server(database_uri: str) -> AsyncIterator[Server]:
    async with serving(database_uri, ANYWHERE) as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


async def add(server: Server, name: str, url: str, event_types: Sequence[str] | None = None) -> dict[str, Any]:
    status, made = await server.ask("POST", "/endpoints", {"name": name, "url": url, "event_types": event_types})
    assert status == 201, made
    found: dict[str, Any] = made
    return found


async def deliver(server: Server, attempts: int) -> None:
    """Run a sender until so many more attempts are stored."""
    metrics, stop = Metrics(CollectorRegistry(), "test"), asyncio.Event()
    async with (
        stored_attempts(server.database) as stored,
        WebhookClient.open({}, server.clock, "test", rules=ANYWHERE) as client,
    ):
        sender = Delivery(server.database, client, server.signals, server.clock, metrics, 20.0, randomness=lambda: 0.5)
        running = asyncio.create_task(sender.run(stop))
        for _ in range(attempts):
            await stored.next()
        stop.set()
        await asyncio.wait_for(running, WAIT_SECS)


async def told(server: Server, name: str) -> list[str]:
    _, body = await server.ask("GET", f"/endpoints/{name}/deliveries?limit=1000")
    return [one["event_type"] for one in reversed(body["deliveries"])]


async def test_an_endpoint_is_made_shown_listed_changed_and_removed(server: Server) -> None:
    made = await add(server, "books", "https://books.example/hook?key=1")
    assert made["secret"].startswith("whsec_")
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert (shown["enabled"], shown["local"]) == (True, False)
    assert shown["event_types"] == ["invoice.created", "invoice.paid", "invoice.cancelled", "invoice.expired"]
    assert await server.ask("GET", "/endpoints/books") == (200, shown)
    assert await server.ask("GET", f"/endpoints/{made['id']}") == (200, shown)
    assert await server.ask("GET", "/endpoints") == (200, {"endpoints": [shown]})
    change = {"url": "https://books.example/new", "event_types": ["invoice.paid"]}
    _, changed = await server.ask("PATCH", "/endpoints/books", change)
    assert (changed["url"], changed["event_types"]) == (change["url"], change["event_types"])
    assert await server.ask("PATCH", "/endpoints/books", {}) == (200, changed)
    assert await server.ask("DELETE", "/endpoints/books") == (204, None)
    assert (await server.ask("GET", "/endpoints/books"))[0] == 404
    assert (await server.ask("DELETE", "/endpoints/books"))[0] == 404
    assert (await add(server, "books", "https://books.example/"))["id"] != made["id"], "its name is free again"
    texts = await rows(server.database, "SELECT secret FROM endpoints WHERE removed_at IS NOT NULL")
    assert [row["secret"] for row in texts] == [None]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"url": "https://x.example/"}, "name"),
        ({"name": "a b", "url": "https://x.example/"}, "name must be"),
        ({"name": "environment", "url": "https://x.example/"}, "name must be"),
        ({"name": "x", "url": "ftp://x.example/"}, "url must be"),
        ({"name": "x", "url": "https://10.0.0.1/"}, "WEBHOOK_ALLOW_NETWORKS"),
        ({"name": "x", "url": "https://x.example/", "event_types": []}, "event types must be"),
        ({"name": "x", "url": "https://x.example/", "event_types": ["invoice.lost"]}, "event types must be"),
        ({"name": "x", "url": "https://x.example/", "secret": "whsec_mine"}, "secret"),
        ({"name": "x", "url": "https://x.example/", "local": True}, "local"),
        ({"name": "x", "url": 7}, "url"),
        ([1], "the body"),
    ],
)
async def test_what_is_not_allowed_is_refused_in_words(server: Server, body: Any, says: str) -> None:
    status, found = await server.ask("POST", "/endpoints", body)
    assert (status, found["code"]) == (400, "invalid_input")
    assert says in found["error"]
    assert (await server.ask("GET", "/endpoints"))[1] == {"endpoints": []}


async def test_http_and_private_addresses_are_refused_unless_the_operator_allows_them(database_uri: str) -> None:
    async with serving(database_uri) as server:
        for url in ("http://shop.example/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/"):
            status, _ = await server.ask("POST", "/endpoints", {"name": "x", "url": url})
            assert status == 400


async def test_where_the_operators_own_endpoint_is_cannot_be_changed_over_the_api(server: Server) -> None:
    """It may be anywhere: whoever could move it, and send a test, could read what only the operator reaches."""
    await add_endpoint(server.database, "ours", "http://127.0.0.1:1/")
    status, found = await server.ask("PATCH", "/endpoints/ours", {"url": "http://169.254.169.254/"})
    assert (status, "harvester endpoint change" in found["error"]) == (400, True)
    status, changed = await server.ask("PATCH", "/endpoints/ours", {"event_types": ["invoice.paid"]})
    assert (status, changed["url"]) == (200, "http://127.0.0.1:1/")


async def test_a_name_is_taken_once_and_there_is_a_bound(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MAX_ENDPOINTS", 2)
    await add(server, "one", "https://x.example/")
    assert (await server.ask("POST", "/endpoints", {"name": "one", "url": "https://x.example/"}))[0] == 400
    await add(server, "two", "https://x.example/")
    assert (await server.ask("POST", "/endpoints", {"name": "three", "url": "https://x.example/"}))[0] == 400


async def test_each_endpoint_is_told_what_it_wants_and_nothing_else(server: Server) -> None:
    await add(server, "all", "https://x.example/")
    await add(server, "ends", "https://x.example/", ["invoice.paid", "invoice.cancelled"])
    await add(server, "off", "https://x.example/")
    await server.ask("POST", "/endpoints/off/disable")
    await server.invoicing.cancel(await server.invoice(), "test")
    assert await told(server, "all") == ["invoice.created", "invoice.cancelled"]
    assert await told(server, "ends") == ["invoice.cancelled"]
    assert await told(server, "off") == []


async def test_what_is_sent_is_signed_with_the_endpoints_own_secret(server: Server, receiver: Receiver) -> None:
    made = await add(server, "shop", receiver.url)
    await server.invoice()
    await deliver(server, 1)
    (request,) = receiver.received
    Webhook(made["secret"]).verify(request.body, request.headers)
    assert (request.headers["harvester-event"], request.headers["harvester-sequence"]) == ("invoice.created", "1")


async def test_during_a_rotation_the_old_secret_signs_too_until_its_end(server: Server, receiver: Receiver) -> None:
    old = (await add(server, "shop", receiver.url))["secret"]
    _, rotated = await server.ask("POST", "/endpoints/shop/rotate-secret", {"overlap": 60})
    assert rotated["secret"] != old
    assert rotated["old_secret_until"] == int((server.clock() + timedelta(seconds=60)).timestamp())
    await server.invoice()
    await deliver(server, 1)
    for secret in (old, rotated["secret"]):
        Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    server.clock.advance(60)
    await server.invoice()
    await deliver(server, 1)
    assert len(receiver.received[1].headers["webhook-signature"].split()) == 1
    _, at_once = await server.ask("POST", "/endpoints/shop/rotate-secret", {"overlap": 0})
    assert "old_secret_until" not in at_once
    assert (await server.ask("POST", "/endpoints/shop/rotate-secret", {"overlap": -1}))[0] == 400


async def test_a_test_is_sent_at_once_and_tells_the_answer(server: Server, receiver: Receiver) -> None:
    made = await add(server, "shop", receiver.url)
    receiver.script = [answer(202, b"thanks"), answer(500, b"oh")]
    _, taken = await server.ask("POST", "/endpoints/shop/test")
    assert (taken["delivered"], taken["status_code"], taken["response_head"]) == (True, 202, "thanks")
    _, refused = await server.ask("POST", "/endpoints/shop/test")
    assert (refused["delivered"], refused["status_code"]) == (False, 500)
    Webhook(made["secret"]).verify(receiver.received[0].body, receiver.received[0].headers)
    assert receiver.received[0].headers["harvester-event"] == "endpoint.test"
    assert await told(server, "shop") == []


async def test_attempts_are_listed_and_a_delivery_is_sent_again(server: Server, receiver: Receiver) -> None:
    await add(server, "shop", receiver.url)
    receiver.script = [answer(500, b"broken")]
    await server.invoice()
    await deliver(server, 1)
    _, body = await server.ask("GET", "/endpoints/shop/deliveries?status=pending")
    (pending,) = body["deliveries"]
    _, full = await server.ask("GET", "/endpoints/shop/deliveries?limit=1")
    assert (body.keys(), full["next"]) == ({"deliveries"}, pending["id"])
    assert (pending["last_attempt"]["status_code"], pending["last_attempt"]["response_head"]) == (500, "broken")
    assert (await server.ask("GET", "/endpoints/shop/deliveries?status=delivered"))[1] == {"deliveries": []}
    assert (await server.ask("GET", f"/endpoints/shop/deliveries?before={pending['id']}"))[1] == {"deliveries": []}
    assert (await server.ask("POST", f"/deliveries/{pending['id']}/resend"))[0] == 200
    await deliver(server, 1)
    _, shown = await server.ask("GET", f"/deliveries/{pending['id']}")
    assert (shown["status"], [one["status_code"] for one in shown["tries"]]) == ("delivered", [500, 200])
    assert all(one["duration_ms"] >= 0 for one in shown["tries"])
    for path in ("/deliveries/999", "/endpoints/nobody/deliveries"):
        assert (await server.ask("GET", path))[0] == 404
    for path in ("/deliveries/x", "/endpoints/shop/deliveries?status=lost", "/endpoints/shop/deliveries?limit=0"):
        assert (await server.ask("GET", path))[0] == 400


async def test_a_range_is_replayed_what_was_told_and_what_was_not(
    server: Server, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "_REPLAY_BATCH", 2)
    before = await server.invoice()
    server.clock.advance(100)
    since = int(server.clock().timestamp())
    await add(server, "shop", receiver.url, ["invoice.created"])
    ids = [await server.invoice() for _ in range(3)]
    await server.invoicing.cancel(ids[0], "test")
    await deliver(server, 3)
    await add(server, "late", receiver.url, ["invoice.cancelled"])
    server.clock.advance(100)
    await server.invoice()
    times = {"since": since, "until": since + 100}
    assert await server.ask("POST", "/endpoints/shop/replay", times) == (200, {"replayed": 3})
    assert await server.ask("POST", "/endpoints/late/replay", times) == (200, {"replayed": 1})
    await deliver(server, 5)
    received = [request.headers["webhook-id"] for request in receiver.received]
    assert sorted(received[:3]) == sorted(set(received[3:]) & set(received[:3])), "under the same ids"
    assert str(before) not in "".join(receiver.bodies)
    assert await told(server, "late") == ["invoice.cancelled"]
    assert await server.ask("POST", "/endpoints/late/replay", {"since": 0, "until": 5}) == (200, {"replayed": 0})
    assert await server.ask("POST", "/endpoints/late/replay", {"since": since}) == (200, {"replayed": 1})
    assert (await server.ask("POST", "/endpoints/late/replay", {}))[0] == 400


async def test_what_a_removed_endpoint_was_not_told_is_given_up(
    server: Server, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_GAUGES_SECS", 0)
    await add(server, "gone", "https://x.example/")
    for _ in range(3):
        await server.invoice()
    (shown,) = {row["id"] for row in await rows(server.database, "SELECT min(id) AS id FROM deliveries")}
    await server.ask("DELETE", "/endpoints/gone")
    await add(server, "shop", receiver.url)
    await server.invoice()
    await deliver(server, 1)
    found = await rows(server.database, "SELECT status, count(*) FROM deliveries GROUP BY status ORDER BY status")
    assert [tuple(row) for row in found] == [("dead", 3), ("delivered", 1)]
    assert (await server.ask("POST", f"/deliveries/{shown}/resend"))[0] == 404


async def test_one_that_answers_gone_says_so_and_can_be_enabled_again(server: Server, receiver: Receiver) -> None:
    await add(server, "shop", receiver.url)
    receiver.script = [answer(410)]
    await server.invoice()
    await deliver(server, 1)
    _, shown = await server.ask("GET", "/endpoints/shop")
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "it answered 410 Gone")
    _, enabled = await server.ask("POST", "/endpoints/shop/enable")
    assert (enabled["enabled"], "disabled_reason" in enabled) == (True, False)


async def test_the_command_line_does_the_same(
    database: Database, database_uri: str, tmp_path: Path, receiver: Receiver
) -> None:
    settings = {
        "POSTGRES_URI": database_uri,
        "WEBHOOK_ENDPOINT": "http://user:hush@127.0.0.1:1/hush?hush",
    }
    shell = Shell(install(tmp_path / "site") | settings, tmp_path)
    assert "WEBHOOK_ALLOW_HTTP" in await shell.fails("endpoint", "add", "shop", receiver.url)
    made = await shell.json("endpoint", "add", "shop", receiver.url, "--local", "--event", "invoice.paid")
    assert (made["local"], made["event_types"]) == (True, ["invoice.paid"])
    changed = await shell.json("endpoint", "change", "shop", "--url", receiver.url, "--event", "invoice.created")
    assert changed["event_types"] == ["invoice.created"]
    taken = await shell.json("endpoint", "test", "shop")
    assert (taken["status_code"], len(receiver.received)) == (200, 1)
    receiver.script = [answer(500)]
    status, _, stderr = await shell("endpoint", "test", "shop")
    assert (status, stderr) == (1, "the endpoint did not take it: 500\n")
    await shell.json("invoice", "create", "1", "MEM")
    since = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}"
    assert await shell.json("endpoint", "replay", "shop", "--since", since) == {"replayed": 1}
    (waiting,) = (await shell.json("webhook", "list", "--status", "pending", "--endpoint", "shop"))["deliveries"]
    assert waiting["event_type"] == "invoice.created"
    assert (await shell.json("endpoint", "disable", "shop"))["disabled_reason"] == "on the command line"
    assert (await shell.json("endpoint", "enable", "shop"))["enabled"]
    rotated = await shell.json("endpoint", "rotate-secret", "shop", "--overlap", "0")
    assert rotated["secret"] not in {made["secret"], None}
    await rows(
        database,
        "INSERT INTO endpoints (id, name, url, created_at, updated_at) VALUES"
        " (gen_random_uuid(), 'environment', 'http://user:hush@127.0.0.1/hush', now(), now())",
    )
    _, listed, _ = await shell("endpoint", "list")
    assert "shop" in listed
    assert "http://127.0.0.1/…" in listed
    assert "hush" not in listed
    for refused in ("remove", "rotate-secret"):
        assert "comes from the environment" in await shell.fails("endpoint", refused, "environment")
    assert (await shell("endpoint", "remove", "shop"))[0] == 0
    assert await shell.fails("endpoint", "test", "shop") == "there is no endpoint 'shop'"
