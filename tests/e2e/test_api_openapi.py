"""The OpenAPI document: valid, complete, and true. Every answer in the other tests of the API is held to it as well."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from jsonschema import ValidationError
from openapi_spec_validator import validate
from prometheus_client import CollectorRegistry

from harvester.api.app import PrivateRoutes, build_api, listen
from harvester.api.endpoints import EndpointRoutes
from harvester.api.events import EventRoutes
from harvester.api.invoices import InvoiceRoutes
from harvester.api.payments import PaymentRoutes
from harvester.api.schemas import parse_draft
from harvester.api.tokens import TokenRoutes
from harvester.domain.access import ENVIRONMENT, Scope
from harvester.domain.egress import EgressRules
from harvester.domain.errors import InvalidInput
from harvester.domain.events import EventType
from harvester.domain.payment import Transfer
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.endpoints import Endpoints
from harvester.services.event_feed import EventFeed
from harvester.services.invoicing import Invoicing
from harvester.services.outbox import Outbox
from harvester.services.payments import Payments
from harvester.services.tokens import Tokens
from harvester.storage.database import Database
from harvester.storage.signals import Signals
from harvester.webhooks.client import WebhookClient
from tests.access import access
from tests.clock import ManualClock
from tests.e2e import api_server
from tests.e2e.api_contract import Contract
from tests.e2e.api_server import BEARER, PRIVATE, TOKEN, Api
from tests.receiver import receiving

CONTRACT = Contract()
STREAM = f"{PRIVATE}/events/stream"
ANYWHERE = EgressRules(allow_http=True, networks=(ip_network("127.0.0.0/8"),))


@asynccontextmanager
async def serving(database_uri: str, clock: ManualClock) -> AsyncIterator[Api]:
    """Yield the API with all routes that the daemon serves."""
    async with (
        api_server.serving(database_uri, clock) as api,
        Database.open(database_uri) as database,
        WebhookClient.open({}, clock, "test", timeout_secs=5, rules=ANYWHERE) as client,
    ):

        async def readiness() -> Sequence[str]:
            return api.not_ready

        chains, signals, metrics = Chains([api.chain]), Signals(database), Metrics(CollectorRegistry(), "test")
        services = (database, chains, clock, signals, metrics)
        endpoints = Endpoints(database, signals, clock, client, ANYWHERE)
        private: Sequence[PrivateRoutes] = (
            InvoiceRoutes(Invoicing(*services), chains),
            EventRoutes(EventFeed(database, signals)),
            EndpointRoutes(endpoints, Outbox(database, signals, clock)),
            PaymentRoutes(Payments(*services), chains),
            TokenRoutes(Tokens(database, clock)),
            *api_server.accounting_routes(services),
        )
        access_of = access(database, clock, TOKEN)
        public = api_server.public_routes(services, "pay.example.org")
        app = build_api(chains, readiness, metrics, access_of, public, private)
        async with listen(app, "127.0.0.1", 0, api_server.SHUTDOWN_SECS) as [(host, port)]:
            yield replace(api, app=app, url=f"http://{host}:{port}")


async def told(api: Api, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    """Ask a private route, whose answer is held to the document, and return its JSON."""
    answer = await api.ask(method, PRIVATE + path, None if body is None else json.dumps(body).encode())
    assert answer.status == status, answer.text
    return json.loads(answer.body) if answer.body else None


def media(part: Any) -> Iterator[dict[str, Any]]:
    """All parts of the document that have examples beside a schema."""
    if isinstance(part, dict):
        if "schema" in part:
            yield part
        for value in part.values():
            yield from media(value)
    if isinstance(part, list):
        for value in part:
            yield from media(value)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of all that is documented."""
    for path, item in CONTRACT.document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method.upper(), path, operation


def test_the_document_is_valid_openapi() -> None:
    assert CONTRACT.document["openapi"].startswith("3.1.")
    validate(CONTRACT.document)


def test_every_example_is_as_its_schema_says() -> None:
    parts = list(media(CONTRACT.document))
    examples = [(part, CONTRACT.resolve(each)["value"]) for part in parts for each in part.get("examples", {}).values()]
    examples += [(part, part["example"]) for part in parts if "example" in part]
    for part, value in examples:
        CONTRACT.validate(part["schema"], value)
    assert len(examples) > 20


def test_every_answer_with_json_has_an_example() -> None:
    for part in media(CONTRACT.document):
        assert "in" in part or "example" in part or "examples" in part or part["schema"].keys() & {"type"}


def test_every_event_is_a_documented_webhook() -> None:
    assert CONTRACT.document["webhooks"].keys() == set(EventType)


async def test_every_route_is_documented_and_every_documented_one_exists(database_uri: str) -> None:
    async with serving(database_uri, ManualClock()) as api:
        routes = {
            (route.method, route.resource.canonical)
            for route in api.app.router.routes()
            if route.method != "HEAD" and isinstance(route.resource, web.Resource)
        }
        served = json.loads((await api.ask("GET", "/openapi.json")).text)
        for path in {path for _, path in CONTRACT.operations()} - {STREAM}:
            await api.ask("GET", re.sub(r"\{\w+\}", "01970c00-a927-77e4-88fa-67d72ae4c4be", path))
    assert routes == CONTRACT.operations()
    assert served == CONTRACT.document


async def test_all_of_the_life_of_an_endpoint_is_as_documented(database_uri: str) -> None:
    [draft] = CONTRACT.document["components"]["schemas"]["NewInvoice"]["examples"]
    async with serving(database_uri, ManualClock()) as api, receiving() as receiver:
        new = {"name": "shop", "url": receiver.url, "event_types": list(EventType)}
        assert "secret" in await told(api, "POST", "/endpoints", new, 201)
        await told(api, "POST", "/invoice", draft)
        for verb in ("test", "disable", "enable", "rotate-secret"):
            await told(api, "POST", f"/endpoints/shop/{verb}")
        await told(api, "PATCH", "/endpoints/shop", {"event_types": ["invoice.paid"]})
        assert (await told(api, "GET", "/endpoints"))["endpoints"] == [await told(api, "GET", "/endpoints/shop")]
        [delivery] = (await told(api, "GET", "/endpoints/shop/deliveries"))["deliveries"]
        assert (await told(api, "GET", f"/deliveries/{delivery['id']}"))["tries"] == []
        await told(api, "POST", f"/deliveries/{delivery['id']}/resend")
        await told(api, "POST", "/endpoints/shop/replay", {"since": 0})
        await told(api, "DELETE", "/endpoints/shop", status=204)
        await told(api, "GET", "/endpoints/shop", status=404)


async def test_the_events_of_payments_are_as_their_webhooks_say(database_uri: str) -> None:
    [draft] = CONTRACT.document["components"]["schemas"]["NewInvoice"]["examples"]
    clock = ManualClock()
    async with serving(database_uri, clock) as api:
        invoice = await told(api, "POST", "/invoice", draft)
        now = clock().replace(microsecond=0)
        await api.record(None, [Transfer(f"{n:064x}", 0, "ton", 5, "0:" + "ab" * 32, now, text="hi") for n in range(2)])
        first, second = [f"/payments/{payment['id']}" for payment in (await told(api, "GET", "/payments"))["payments"]]
        await told(api, "POST", f"{first}/assign", {"invoice_id": invoice["id"]})
        await told(api, "POST", f"{first}/unassign")
        await told(api, "POST", f"{second}/ignore", {"reason": "a gift", "actor": "alice"})
        await told(api, "POST", f"{second}/refund", {"reason": "sent back"})
        await told(api, "POST", f"{second}/ignore", {"reason": "too late"}, 409)
        assert len((await told(api, "GET", second))["acts"]) == 2
        events = (await told(api, "GET", "/events"))["events"]
    for event in events:
        post = CONTRACT.document["webhooks"][event["type"]]["post"]
        CONTRACT.validate(post["requestBody"]["content"]["application/json"]["schema"], event["data"])
    assert {event["type"] for event in events} > {"invoice.created", "payment.received", "payment.assigned"}


async def test_a_stream_of_events_begins_as_documented(database_uri: str) -> None:
    async with serving(database_uri, ManualClock()) as api, api.http.get(api.url + STREAM, headers=BEARER) as answer:
        CONTRACT.check("GET", STREAM, answer.status, answer.headers, await answer.content.readline())


async def test_a_process_that_is_not_ready_says_why(database_uri: str) -> None:
    async with serving(database_uri, ManualClock()) as api:
        api.not_ready.append("the database is asleep")
        answer = await api.ask("GET", "/readyz")
    body = json.loads(answer.text)
    assert answer.status == 503
    assert body["reasons"][0] == "the database is asleep"
    assert body["chains"]["ton"]["head_time"] is None
    assert any(reason.startswith("ton: ") for reason in body["reasons"])


async def test_private_operations_need_a_token_and_public_ones_need_none(database_uri: str) -> None:
    async with serving(database_uri, ManualClock()) as api:
        for method, path, operation in operations():
            answer = await api.ask(method, re.sub(r"{\w+}", "x", path), headers={})
            assert (answer.status == 401) is path.startswith(PRIVATE) is bool(operation["security"]), path


async def test_each_private_operation_needs_just_the_scope_that_it_says(database_uri: str, database: Database) -> None:
    clock = ManualClock()
    tokens = Tokens(database, clock)
    made = {scope: (await tokens.create(scope, [scope], None, ENVIRONMENT))[1] for scope in Scope}
    async with serving(database_uri, clock) as api:
        for method, path, operation in operations():
            if path.startswith(PRIVATE):
                [scope] = operation["security"][0]["token"]
                for having, token in made.items():
                    bearer, at = {"Authorization": f"Bearer {token}"}, re.sub(r"{\w+}", "x", path)
                    async with api.http.request(method, api.url + at, headers=bearer) as answer:
                        refused = answer.status == 403 and await answer.json()
                    assert bool(refused) is (having != scope), f"{method} {path} with {having}"
                    assert not refused or f"'{scope}'" in refused["error"]


@pytest.mark.parametrize(
    "members",
    [
        {"amount": "0"},
        {"amount": "1" * 79},
        {"amount": 1},
        {"life_time": 0},
        {"metadata": None},
        {"metadata": {"merchant_name": ""}},
        {"metadata": {"merchant_name": "m", "mcc_code": 10_000}},
        {"metadata": {"merchant_name": "m", "goods": [{"name": 1}]}},
        {"private_info": []},
    ],
    ids=str,
)
def test_what_the_schema_of_a_request_refuses_the_server_refuses(members: dict[str, Any]) -> None:
    [example] = CONTRACT.document["components"]["schemas"]["NewInvoice"]["examples"]
    schema = {"$ref": "#/components/schemas/NewInvoice"}
    CONTRACT.validate(schema, example)
    assert parse_draft(json.dumps(example).encode()).ticker == "TON"
    with pytest.raises(ValidationError):
        CONTRACT.validate(schema, example | members)
    with pytest.raises(InvalidInput):
        parse_draft(json.dumps(example | members).encode())
