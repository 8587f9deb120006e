"""Routes that plug-ins bring, over real HTTP: mounted as they are, told whose a request is, and described."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from openapi_spec_validator import validate
from prometheus_client import CollectorRegistry

from harvester.api.app import build_api, listen
from harvester.api.limits import Limits
from harvester.api.plugins import PluginRoutes
from harvester.chain import Clock
from harvester.chain.requests import CLIENT, FORWARDED, PROXY_HEADERS, X_FORWARDED_FOR
from harvester.domain.errors import InvariantBroken, Unavailable
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.storage.database import Database
from tests.access import access
from tests.clock import ManualClock
from tests.e2e.api_contract import PATH as CORE
from tests.memory_chain import MemoryChain

HERE = ("127.0.0.0/8",)
PER_MINUTE = 3
FULL = [200] * PER_MINUTE + [429]


async def show(request: web.Request) -> web.StreamResponse:
    """Say who has sent the request, as each way of reading headers has it."""
    address = request[CLIENT].ip_address
    ways = (PROXY_HEADERS, {X_FORWARDED_FOR}, {FORWARDED}, ())
    return web.json_response([address(headers) for headers in ways])


async def limited(request: web.Request) -> web.StreamResponse:
    """A route for anybody."""
    request[CLIENT].take_turn()
    return web.Response(text="welcome")


async def breaks(_request: web.Request) -> web.StreamResponse:
    raise Unavailable("the shop does not answer")


ROUTES = (web.get("/desk/show", show), web.post("/desk/limited", limited), web.get("/desk/breaks", breaks))


@asynccontextmanager
async def serving(
    uri: str, routes: Sequence[web.RouteDef] = ROUTES, documents: Sequence[Path] = ()
) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a client of an API with these routes of plug-ins, whose proxies are on this machine."""
    clock: Clock = ManualClock()
    metrics, chains = Metrics(CollectorRegistry(), "test"), Chains([MemoryChain(clock)])

    async def readiness() -> Sequence[str]:
        return ()

    async with Database.open(uri) as database:
        known = replace(
            access(database, clock, "token"), limits=Limits(PER_MINUTE, [ip_network(each) for each in HERE])
        )
        app = build_api(chains, readiness, metrics, known, [PluginRoutes(routes, documents)])
        async with (
            listen(app, "127.0.0.1", 0) as [(host, port)],
            aiohttp.ClientSession(f"http://{host}:{port}") as session,
        ):
            yield session


async def seen(session: aiohttp.ClientSession, **headers: str) -> list[str | None]:
    """Return what the plug-in is told: by all headers, by either, by none."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with session.get("/desk/show", headers=named) as answer:
        assert len(answer.headers["X-Request-Id"]) == 32
        found: list[str | None] = await answer.json()
        return found


async def test_a_plugin_is_told_the_clients_address_by_the_headers_that_it_wants_read(database_uri: str) -> None:
    async with serving(database_uri) as session:
        assert await seen(session) == ["127.0.0.1"] * 4
        by_comma = await seen(session, X_Forwarded_For="203.0.113.7, 192.0.2.9")
        assert by_comma == ["192.0.2.9", "192.0.2.9", "127.0.0.1", "127.0.0.1"]
        both = await seen(session, X_Forwarded_For="192.0.2.9", Forwarded='for="[2001:db8::1]:4711"')
        assert both == [None, "192.0.2.9", "2001:db8::1", "127.0.0.1"]


async def test_a_route_for_anybody_is_used_as_often_as_everything_public(database_uri: str) -> None:
    async with serving(database_uri) as session:
        one, other, lying = ({"X-Forwarded-For": f"192.0.2.{number}"} for number in (1, 2, 3))
        lying["Forwarded"] = "for=127.0.0.1"
        for headers, statuses in ((one, FULL), (other, [200]), (lying, FULL)):
            for status in statuses:
                async with session.post("/desk/limited", headers=headers) as answer:
                    assert answer.status == status


async def test_what_a_plugin_does_not_answer_the_api_does(database_uri: str) -> None:
    async with serving(database_uri) as session, session.get("/desk/breaks") as answer:
        assert answer.status == 503
        assert (await answer.json())["code"] == "unavailable"


async def test_two_that_serve_the_same_do_not_start(database_uri: str) -> None:
    with pytest.raises(InvariantBroken, match="/desk/show is served twice"):
        async with serving(database_uri, [*ROUTES, web.get("/desk/show", breaks)]):
            pass


async def test_the_document_of_the_api_holds_those_of_plugins(database_uri: str, tmp_path: Path) -> None:
    described: dict[str, Any] = {
        "tags": [{"name": "desk"}],
        "paths": {"/desk/show": {"get": {"tags": ["desk"], "responses": {"200": {"description": "Shown."}}}}},
        "components": {"schemas": {"DeskNote": {"type": "string"}}},
    }
    path = tmp_path / "desk.json"
    path.write_text(json.dumps(described))
    async with serving(database_uri, documents=[path]) as session, session.get("/openapi.json") as answer:
        document = await answer.json()
    validate(document)
    assert document["paths"]["/desk/show"] == described["paths"]["/desk/show"]
    assert document["components"]["schemas"].keys() >= {"DeskNote", "Error"}
    with pytest.raises(InvariantBroken, match="two API documents describe"):
        async with serving(database_uri, documents=[CORE]):
            pass
