"""What a TON site shows: the public routes, and by construction nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from yarl import URL

from harvester.api.app import build_site, listen
from harvester.api.limits import Limits
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.storage.database import Database
from harvester.storage.signals import Signals
from tests.clock import ManualClock
from tests.e2e import api_server
from tests.e2e.api_contract import PATH
from tests.e2e.daemon import Daemon, free_port
from tests.e2e.memory_adapter import install

TOKEN = "sesame-open"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
STATIC = "/tonpay/public/static/"
INVOICE = "01970c00-a927-77e4-88fa-67d72ae4c4be"
ACCOUNT = "0:" + "ab" * 32
DOCUMENTED: Mapping[str, Mapping[str, object]] = json.loads(PATH.read_text())["paths"]


@asynccontextmanager
async def site(database_uri: str, public_rate: int = 0) -> AsyncIterator[tuple[web.Application, aiohttp.ClientSession]]:
    """Yield a site that serves what the daemon serves, and a client of it."""
    clock = ManualClock()
    async with api_server.serving(database_uri, clock) as api, Database.open(database_uri) as database:
        metrics = Metrics(CollectorRegistry(), "test")
        services = (database, Chains([api.chain]), clock, Signals(database), metrics)
        app = build_site(metrics, Limits(public_rate), api_server.public_routes(services, None))
        async with (
            listen(app, "127.0.0.1", 0) as [(host, port)],
            aiohttp.ClientSession(f"http://{host}:{port}") as http,
        ):
            yield app, http


async def test_these_paths_are_served_and_no_others(database_uri: str) -> None:
    async with site(database_uri) as (app, _):
        served = {
            (route.method, route.resource.canonical)
            for route in app.router.routes()
            if route.resource and route.method != "HEAD" and not route.resource.canonical.startswith(STATIC)
        }
    assert served == {
        ("GET", "/tonpay/public/api/v1/invoices/{id}"),
        ("GET", "/tonpay/public/api/v1/invoices/{id}/metadata"),
        ("GET", "/tonpay/public/api/v1/invoices/{id}/stream"),
        ("POST", "/tonpay/public/api/v1/keys/{account}/commit"),
        ("GET", "/tonpay/public/invoice/{id}"),
        ("GET", "/tonpay/public/manifest"),
    }


async def test_a_daemon_serves_its_site_apart_and_the_token_opens_nothing_there(
    database_uri: str, tmp_path: Path
) -> None:
    settings = install(tmp_path / "adapter") | {"TOKEN": TOKEN, "POSTGRES_URI": database_uri}
    port = free_port()
    daemon = Daemon(settings | {"SITE": f"127.0.0.1:{port}"}, tmp_path)
    try:
        await daemon.start_ready()
        async with aiohttp.ClientSession(headers=BEARER) as http:
            asked = [(method, path) for path, item in DOCUMENTED.items() for method in item if method != "parameters"]
            answers = await asyncio.gather(
                *(ask(http, f"http://127.0.0.1:{port}", method, path) for method, path in asked)
            )
            there = {path for (_, path), exists in zip(asked, answers, strict=True) if exists}
            for path in ("/metrics", "/", "/tonpay", "/tonpay/public/../private/api/v1/invoices", "//tonpay/private"):
                assert not await ask(http, f"http://127.0.0.1:{port}", "get", path), path
            assert await ask(http, daemon.url, "get", "/tonpay/private/api/v1/invoices")
    finally:
        await daemon.kill()
    assert there == {path for path in DOCUMENTED if path.startswith("/tonpay/public/")}


async def ask(http: aiohttp.ClientSession, url: str, method: str, path: str) -> bool:
    """Whether there is such a path."""
    target = url + path.replace("{id}", INVOICE).replace("{account}", ACCOUNT).replace("{name}", "page.css")
    async with http.request(method, URL(target, encoded=True)) as answer:
        return answer.status not in (404, 405) or "404 page not found" not in await answer.text()


@pytest.mark.parametrize(
    ("headers", "own_bucket"),
    [
        ({"X-Adnl-Ip": "203.0.113.{}"}, True),
        ({"X-Adnl-Ip": "203.0.113.1"}, False),
        ({"X-Forwarded-For": "1.2.3.{}"}, None),
    ],
)
async def test_visitors_of_a_site_are_told_apart_by_what_its_proxy_says(
    database_uri: str, headers: dict[str, str], own_bucket: bool | None
) -> None:
    """Without the proxy's word, a client on this host is nobody in particular."""
    async with site(database_uri, public_rate=3) as (_, http):
        statuses = []
        for number in range(5):
            given = {name: value.format(number) for name, value in headers.items()}
            async with http.get("/tonpay/public/manifest", headers=given) as answer:
                statuses.append(answer.status)
    assert statuses == ([200] * 3 + [429] * 2 if own_bucket is False else [200] * 5)


async def test_keys_have_a_bound_of_their_own(database_uri: str) -> None:
    async with site(database_uri) as (_, http):
        for address, rounds in (("203.0.113.1", 31), ("203.0.113.2", 1)):
            for number in range(rounds):
                url = f"/tonpay/public/api/v1/keys/{ACCOUNT}/commit"
                async with http.post(url, data=b"{}", headers={"X-Adnl-Ip": address}) as answer:
                    assert answer.status == (429 if number == 30 else 400)
            if rounds == 31:
                assert int(answer.headers["Retry-After"]) > 0
