"""The OpenAPI document: valid, complete, and true. Every answer in the other tests of the API is held to it as well."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from jsonschema import ValidationError
from openapi_spec_validator import validate

from harvester.api.schemas import parse_draft
from harvester.domain.errors import InvalidInput
from harvester.domain.events import EventType
from tests.clock import ManualClock
from tests.e2e.api_contract import Contract
from tests.e2e.api_server import PRIVATE, serving

CONTRACT = Contract()


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


def test_the_document_is_valid_openapi() -> None:
    assert CONTRACT.document["openapi"].startswith("3.1.")
    validate(CONTRACT.document)


def test_every_example_is_as_its_schema_says() -> None:
    parts = list(media(CONTRACT.document))
    examples = [(part, example["value"]) for part in parts for example in part.get("examples", {}).values()]
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
        for _, path in CONTRACT.operations():
            await api.ask("GET", path.replace("{id}", "01970c00-a927-77e4-88fa-67d72ae4c4be"))
    assert routes == CONTRACT.operations()
    assert served == CONTRACT.document


async def test_a_process_that_is_not_ready_says_why(database_uri: str) -> None:
    async with serving(database_uri, ManualClock()) as api:
        api.not_ready.append("the database is asleep")
        answer = await api.ask("GET", "/readyz")
    body = json.loads(answer.text)
    assert answer.status == 503
    assert body["reasons"][0] == "the database is asleep"
    assert body["chains"]["ton"]["head_time"] is None
    assert any(reason.startswith("ton: ") for reason in body["reasons"])


@pytest.mark.parametrize("private", [True, False])
async def test_every_needed_operation_says_that_it_needs_the_token(database_uri: str, private: bool) -> None:
    async with serving(database_uri, ManualClock()) as api:
        for path, item in CONTRACT.document["paths"].items():
            for method, operation in item.items():
                if method != "parameters" and path.startswith(PRIVATE) is private:
                    assert operation["security"] == ([{"token": []}] if private else [])
                    answer = await api.ask(method.upper(), path.replace("{id}", "x"), headers={})
                    assert (answer.status == 401) is private


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
