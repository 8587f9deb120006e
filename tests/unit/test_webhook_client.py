"""The client against a real receiver: one attempt, whatever the endpoint does, and nothing secret in what it says."""

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.webhooks import Message, Target
from harvester.metrics import ATTEMPT_RESULTS
from harvester.webhooks.client import Answer, WebhookClient, _retry_after
from tests.clock import ManualClock
from tests.receiver import WAIT_SECS, Behaviour, Receiver, answer, raw, receiving, redirect, reset, silent

EVENT = UUID("0198c0de-0000-7000-8000-000000000001")
BODY = '{"z": "ї",  "a": 1}'.encode()
MESSAGE = Message(EVENT, "invoice.paid", 2, BODY)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as started:
        yield started


@pytest.fixture
async def client() -> AsyncIterator[WebhookClient]:
    async with WebhookClient.open({}, ManualClock(), "1.2") as opened:
        yield opened


async def test_the_body_arrives_byte_for_byte_with_its_headers(client: WebhookClient, receiver: Receiver) -> None:
    outcome = await client.send(Target("shop", receiver.url, local=True), MESSAGE)
    (request,) = receiver.received
    assert (outcome.status_code, outcome.delivered, outcome.result) == (200, True, "delivered")
    assert (request.method, request.body) == ("POST", BODY)
    assert request.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert request.headers["User-Agent"] == "harvester/1.2"
    assert request.headers["webhook-id"] == str(EVENT)
    assert request.headers["webhook-timestamp"] == "1767225600"
    assert "webhook-signature" not in request.headers
    assert (request.headers["harvester-event"], request.headers["harvester-sequence"]) == ("invoice.paid", "2")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_success(client: WebhookClient, receiver: Receiver, status: int) -> None:
    receiver.behaviour = answer(status)
    assert (await client.send(Target("shop", receiver.url, local=True), MESSAGE)).delivered


@pytest.mark.parametrize("status", [301, 302, 304, 307, 308, 400, 404, 410, 429, 500, 503])
async def test_every_other_status_is_a_refusal(client: WebhookClient, receiver: Receiver, status: int) -> None:
    receiver.behaviour = answer(status, Location="/elsewhere")
    outcome = await client.send(Target("shop", receiver.url, local=True), MESSAGE)
    assert (outcome.status_code, outcome.delivered, outcome.result) == (status, False, "refused")
    assert len(receiver.received) == 1


async def test_a_redirect_is_not_followed(client: WebhookClient, receiver: Receiver) -> None:
    async with receiving() as elsewhere:
        receiver.behaviour = redirect(elsewhere.url)
        assert (await client.send(Target("shop", receiver.url, local=True), MESSAGE)).status_code == 307
        assert elsewhere.received == []


@pytest.mark.parametrize(
    ("behaviour", "result", "error"),
    [
        (reset(), "failed", "closed before an answer"),
        (raw(b""), "failed", "closed before an answer"),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "failed", "no valid HTTP answer"),
        (raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"), "failed", "no valid HTTP answer"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n"), "failed", "no valid HTTP answer"),
    ],
    ids=["reset", "closed", "not-http", "huge-header", "bad-length"],
)
async def test_a_broken_endpoint_is_an_outcome_not_an_error(
    client: WebhookClient, receiver: Receiver, behaviour: Behaviour, result: str, error: str
) -> None:
    receiver.behaviour = behaviour
    outcome = await client.send(Target("shop", receiver.url, local=True), MESSAGE)
    assert (outcome.status_code, outcome.result, outcome.overloaded) == (None, result, True)
    assert error in (outcome.error or "")
    assert result in ATTEMPT_RESULTS


async def test_an_endpoint_that_does_not_answer_is_waited_for_no_longer_than_the_timeout(receiver: Receiver) -> None:
    receiver.behaviour = silent()
    async with WebhookClient.open({}, ManualClock(), "1.2", timeout_secs=0.2) as client:
        outcome = await client.send(Target("shop", receiver.url, local=True), MESSAGE)
    assert (outcome.status_code, outcome.result, outcome.error) == (None, "timeout", "no answer in time")
    assert outcome.overloaded
    assert outcome.duration_ms >= 190


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hush@127.0.0.1:1/hush?key=hush",
        "http://user:hush@does-not-exist.invalid/hush?key=hush",
        "http://user:hush@" + "x" * 300 + "/hush",
        "http://user:hush@127.0.0.1:99999/hush",
        "http://user:hush@[::1/hush",
        "ftp://user:hush@127.0.0.1/hush",
        "http:///hush",
        "hush",
        "",
        "http://user:hush@\udcff.invalid/hush",
    ],
)
async def test_no_error_shows_the_url(client: WebhookClient, url: str) -> None:
    outcome = await client.send(Target("shop", url, local=True), MESSAGE)
    assert outcome.result in {"failed", "timeout"}
    assert outcome.error
    assert "hush" not in repr(outcome)


async def test_names_that_nobody_answers_for_keep_no_other_from_being_looked_up(
    client: WebhookClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, asked, release = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def look_up(host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host.startswith("dead"):
            loop.call_soon_threadsafe(asked.set)
            release.wait(WAIT_SECS)
        return real("127.0.0.1", port, *rest, **more)

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    dead = [
        asyncio.create_task(client.send(Target("dead", f"http://dead{number}.example:1/", local=True), MESSAGE))
        for number in range(50)
    ]
    await asked.wait()
    async with asyncio.timeout(WAIT_SECS / 2):
        url = receiver.url.replace("127.0.0.1", "shop.example")
        assert (await client.send(Target("shop", url, local=True), MESSAGE)).delivered
    release.set()
    assert {(await each).result for each in dead} == {"failed"}


async def test_tls_that_fails_is_an_outcome(client: WebhookClient, receiver: Receiver) -> None:
    outcome = await client.send(Target("shop", receiver.url.replace("http:", "https:"), local=True), MESSAGE)
    assert (outcome.result, outcome.error) == ("failed", "TLS failed: the certificate or the protocol is not accepted")


@pytest.mark.parametrize(
    ("body", "head"),
    [
        (b"", ""),
        (b"fine", "fine"),
        (b"x" * 5_000_000, "x" * 1024),
        (b"\0a\xff\0", "a\N{REPLACEMENT CHARACTER}"),
        ("ї".encode() * 1000, "ї" * 512),
    ],
    ids=["empty", "short", "huge", "not-text", "non-ascii"],
)
async def test_the_first_kilobyte_of_the_answer_is_kept(
    client: WebhookClient, receiver: Receiver, body: bytes, head: str
) -> None:
    receiver.behaviour = answer(500, body)
    assert (await client.send(Target("shop", receiver.url, local=True), MESSAGE)).head == head


async def test_a_packed_answer_is_not_unpacked(client: WebhookClient, receiver: Receiver) -> None:
    receiver.behaviour = answer(200, gzip.compress(b"0" * 10_000_000), Content_Encoding="gzip")
    outcome = await client.send(Target("shop", receiver.url, local=True), MESSAGE)
    assert outcome.delivered
    assert "000" not in (outcome.head or "")


@pytest.mark.parametrize("rest", [b"half", b""])
async def test_a_success_whose_body_breaks_off_is_a_success(
    client: WebhookClient, receiver: Receiver, rest: bytes
) -> None:
    receiver.behaviour = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + rest)
    outcome = await client.send(Target("shop", receiver.url, local=True), MESSAGE)
    assert (outcome.status_code, outcome.delivered) == (200, True)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 401 x\r\nWWW-Authenticate: Digest\r\nContent-Type: text/html; charset=zzz\r\n\r\n\xff",
        b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81\x05hello",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
        b"HTTP/1.1 999 x\r\nSet-Cookie: \0=\xff\r\n\r\n",
        b"HTTP/9.9 20000000000 OK\r\n\r\n",
        bytes(range(256)),
    ],
    ids=lambda data: data[9:40],
)
async def test_no_answer_however_malformed_raises(client: WebhookClient, receiver: Receiver, data: bytes) -> None:
    receiver.behaviour = raw(data)
    assert (await client.send(Target("shop", receiver.url, local=True), MESSAGE)).result in ATTEMPT_RESULTS


async def test_connections_are_kept_and_cookies_are_not(client: WebhookClient, receiver: Receiver) -> None:
    receiver.behaviour = answer(200, b"fine", Set_Cookie="session=1")
    for _ in range(3):
        await client.send(Target("shop", receiver.url, local=True), MESSAGE)
    assert len({request.peer for request in receiver.received}) == 1
    assert not any("Cookie" in request.headers for request in receiver.received)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Thu, 01 Jan 2026 00:02:00 GMT", 120),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("١٢", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert _retry_after(text, ManualClock().now) == seconds


async def test_what_the_endpoint_asks_for_is_in_the_outcome(client: WebhookClient, receiver: Receiver) -> None:
    receiver.behaviour = answer(429, Retry_After="7")
    assert (await client.send(Target("shop", receiver.url, local=True), MESSAGE)).retry_after_secs == 7


@given(st.text() | st.from_regex(r"\A[A-Z][a-z]{2}, \d{1,9} Jan \d{1,12} \d{1,5}:\d\d:\d\d [+-]\d{1,9}\Z"))
def test_no_text_of_retry_after_raises(text: str) -> None:
    seconds = _retry_after(text, datetime(2026, 1, 1, tzinfo=UTC))
    assert seconds is None or seconds >= 0


@given(st.none() | st.integers(100, 599), st.booleans())
def test_every_outcome_has_one_result(status_code: int | None, timed_out: bool) -> None:
    outcome = Answer(datetime.now(UTC) - timedelta(seconds=1), 5, status_code, timed_out=timed_out)
    assert outcome.result in ATTEMPT_RESULTS
    assert outcome.delivered == (outcome.result == "delivered")


async def test_a_secret_signs_for_its_endpoint_alone(receiver: Receiver) -> None:
    from harvester.webhooks.signing import Secret

    secrets = {"shop": [Secret("whsec_" + "A" * 32)]}
    async with WebhookClient.open(secrets, ManualClock(), "1.2") as client:
        for endpoint in ("shop", "other"):
            await client.send(Target(endpoint, receiver.url, local=True), MESSAGE)
    assert ["webhook-signature" in request.headers for request in receiver.received] == [True, False]
