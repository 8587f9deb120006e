"""The edge of the API: who may ask how often, from which pages, how long it may take, and what every answer says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from harvester.api.app import listen
from harvester.api.boundary import Boundary, more_time
from harvester.api.limits import Limits
from harvester.metrics import Metrics
from tests.e2e.guarded_server import DRAFT, LOCAL, PRIVATE, PUBLIC, Guarded, serving

SHOP = {"Origin": "https://shop.example"}
PREFLIGHT = SHOP | {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "last-event-id"}
LIMITS = Limits(public_rate=3, trusted_proxies=(LOCAL,))


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Guarded]:
    """A running API, where public routes may be asked three times a minute."""
    async with serving(database_uri, limits=LIMITS) as running:
        yield running


async def invoice_path(api: Guarded) -> str:
    """Make an invoice; where everybody can see it."""
    return f"{PUBLIC}/invoices/{(await api.ask('POST', 'invoice', DRAFT)).json['id']}"


async def test_an_address_may_ask_so_often_and_others_too(api: Guarded) -> None:
    path = await invoice_path(api)

    async def asks(address: str | None, times: int) -> list[int]:
        return [(await api.ask("GET", path, token=None, address=address)).status for _ in range(times)]

    assert await asks("203.0.113.7", 5) == [200, 200, 200, 429, 429]
    assert await asks("203.0.113.8", 1) == [200]
    assert await asks("2001:db8::1", 2) + await asks("2001:db8::2", 2) == [200, 200, 200, 429]
    assert await asks("2001:db8:0:1::1", 1) == [200]
    assert await asks("203.0.113.7, 203.0.113.9", 1) == [200]
    assert await asks("203.0.113.9, 203.0.113.7", 1) == [429]
    assert await asks("127.0.0.1", 9) == await asks(None, 9) == [200] * 9


async def test_who_asks_too_often_is_told_for_how_long_to_wait(api: Guarded) -> None:
    for _ in range(3):
        await api.ask("GET", f"{PUBLIC}/invoices/x", token=None, address="203.0.113.7")
    refused = await api.ask("GET", f"{PUBLIC}/invoices/x", token=None, address="203.0.113.7")
    assert (refused.status, refused.json["code"]) == (429, "too_many_requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert api.metric("harvester_rate_limited_total") == 1


async def test_the_rate_is_for_public_routes_alone(api: Guarded) -> None:
    for path in (f"{PRIVATE}/invoices", "/livez", "/readyz", "/openapi.json"):
        for _ in range(5):
            assert (await api.ask("GET", path, address="203.0.113.7")).status != 429


async def test_a_proxy_that_nobody_has_named_is_not_believed_and_told_of_once(
    database_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(database_uri, limits=Limits(public_rate=3)) as api:
        path = await invoice_path(api)
        for _ in range(5):
            assert (await api.ask("GET", path, token=None, address="203.0.113.7")).status == 200
    assert capsys.readouterr().out.count("TRUSTED_PROXIES") == 1


async def test_scripts_of_any_site_may_use_the_public_api(api: Guarded) -> None:
    path = await invoice_path(api)
    for at, status in ((path, 200), (f"{PUBLIC}/invoices/x", 400)):
        answer = await api.ask("GET", at, token=None, headers=SHOP)
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, "*")
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
    allowed = await api.ask("OPTIONS", path, token=None, headers=PREFLIGHT)
    assert (allowed.status, allowed.text) == (204, "")
    assert allowed.headers["Access-Control-Allow-Origin"] == "*"
    assert allowed.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    assert "Last-Event-ID" in allowed.headers["Access-Control-Allow-Headers"]
    assert "Authorization" not in allowed.headers["Access-Control-Allow-Headers"]


async def test_scripts_of_other_sites_may_not_use_the_private_api(api: Guarded) -> None:
    for path in ("invoice", "invoices", "tokens"):
        for method in ("OPTIONS", "GET", "POST"):
            answer = await api.ask(method, path, headers=PREFLIGHT)
            assert not [name for name in answer.headers if name.startswith("Access-Control")]
            assert method != "OPTIONS" or answer.status == 405


@pytest.mark.parametrize("path", [f"{PUBLIC}/nothing", "/livez", "/openapi.json"])
async def test_there_is_no_preflight_for_what_is_not_of_the_public_api(api: Guarded, path: str) -> None:
    answer = await api.ask("OPTIONS", path, token=None, headers=PREFLIGHT)
    assert answer.status in (404, 405)


async def test_every_answer_says_how_it_may_be_used_and_its_id(api: Guarded) -> None:
    path = await invoice_path(api)
    wanted = {
        "X-Request-Id": "shop-1",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Server": "harvester",
    }
    sent = {"X-Request-Id": "shop-1"}
    for method, at in (
        ("GET", path),
        ("OPTIONS", path),
        ("GET", f"{PRIVATE}/events/stream"),
        ("GET", f"{PRIVATE}/invoices"),
        ("GET", "/nothing"),
    ):
        headers = sent | {"Authorization": "Bearer token-of-the-environment"}
        async with api.http.request(method, at, headers=headers) as answer:
            assert {name: answer.headers[name] for name in wanted} == wanted, at


@pytest.mark.parametrize("headers", [{"X-Long": "x" * 8192}, {f"X-{number}": "x" for number in range(129)}])
async def test_headers_are_bounded(api: Guarded, headers: dict[str, str]) -> None:
    assert (await api.ask("GET", "/livez", token=None, headers=headers)).status == 400


@asynccontextmanager
async def slow_server(request_secs: float) -> AsyncIterator[tuple[aiohttp.ClientSession, asyncio.Event]]:
    """Yield a server whose handlers wait for the event, whatever the limit."""
    done, boundary = asyncio.Event(), Boundary(Metrics(CollectorRegistry(), "test"), request_secs)

    async def slow(_request: web.Request) -> web.StreamResponse:
        await done.wait()
        return web.Response(text="done")

    async def patient(request: web.Request) -> web.StreamResponse:
        more_time(request, 60)
        return await slow(request)

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun ")
        await done.wait()
        await response.write(b"done")
        return response

    app = web.Application(middlewares=[boundary.middleware])
    app.on_response_prepare.append(boundary.dress)
    app.add_routes([web.get("/slow", slow), web.get("/patient", patient), web.get("/stream", stream)])
    async with listen(app, "127.0.0.1", 0) as [(host, port)], aiohttp.ClientSession(f"http://{host}:{port}") as http:
        yield http, done


async def test_a_request_that_takes_too_long_is_given_up() -> None:
    async with slow_server(0.01) as (http, _), http.get("/slow") as answer:
        assert (answer.status, (await answer.json())["code"]) == (503, "timeout")
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["X-Request-Id"] == (await answer.json())["request_id"]


@pytest.mark.parametrize("path", ["/patient", "/stream"])
async def test_what_may_take_long_is_not(path: str) -> None:
    async with slow_server(0.01) as (http, done):
        asking = asyncio.create_task(http.get(path).__aenter__())
        async with http.get("/slow") as answer:
            assert answer.status == 503  # so longer than the limit has passed
        done.set()
        answer = await asking
        assert (answer.status, (await answer.text())[-4:]) == (200, "done")
