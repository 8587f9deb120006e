"""Examples of the API document, held to a running daemon: requests are sent as they stand there, answers compared."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp

from tests.e2e.api_contract import Contract

FORMS = {
    "a UUID": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "a raw address": r"(0|-1):[0-9a-f]{64}",
    "a hash": r"[0-9a-f]{64}",
    "a shard": r"[0-9a-f]{16}",
    "a bag of cells": r"te6cc[\w+/=-]+",
    "a whole number": r"[0-9]+",
    "a number": r"[0-9]+\.[0-9]+",
    "a secret": r"whsec_[\w+/=]+",
    "a link": r"(https?|ton)://.+",
}
"""What a text may be; the first that matches. Anything else is a text."""
WORDS = {"status", "class", "standing", "act", "type", "event_type", "code", "currency_code", "scope"}
"""Members whose values are words of a closed set: they must be those of the example."""
FIRST_TIME = 1_000_000_000
"""Whole numbers from here on are moments."""


def differences(example: Any, actual: Any, where: str = "") -> Iterator[str]:
    """Say in what an answer is not like its example: members, types, forms, words."""
    if isinstance(example, dict) and isinstance(actual, dict):
        if example.keys() != actual.keys():
            yield f"{where or 'it'} has {sorted(actual)}, the example {sorted(example)}"
        for name in example.keys() & actual.keys():
            if name in WORDS and isinstance(example[name], str) and example[name] != actual[name]:
                yield f"{where}.{name} is {actual[name]!r}, in the example {example[name]!r}"
            yield from differences(example[name], actual[name], f"{where}.{name}")
    elif isinstance(example, list) and isinstance(actual, list):
        for number, each in enumerate(example):
            if not any(not list(differences(each, other)) for other in actual):
                closest = min(
                    (list(differences(each, other)) for other in actual), key=len, default=["nothing is there"]
                )
                yield f"{where}[{number}] is like nothing in the answer: {closest}"
    elif form(example) != form(actual):
        yield f"{where} is {form(actual)} ({actual!r}), in the example {form(example)} ({example!r})"


def form(value: Any) -> str:
    """Return what a value is, in words."""
    if isinstance(value, str):
        return next((name for name, pattern in FORMS.items() if re.fullmatch(pattern, value)), "a text")
    if isinstance(value, int) and not isinstance(value, bool):
        return "a moment" if value >= FIRST_TIME else "a small number"
    return type(value).__name__


def template(text: str) -> str:
    """Return a text of an error without its ids and numbers."""
    return re.sub(FORMS["a UUID"] + "|[0-9]+", "N", text)


class Story:
    """Calls operations by their ids, and keeps in mind which examples have proven true."""

    def __init__(self, contract: Contract, session: aiohttp.ClientSession) -> None:
        self.told: set[tuple[str, str]] = set()
        """(operation or response or webhook, name of its example)."""
        self.contract = contract
        self.session = session
        self._operations = {
            operation["operationId"]: (method, path, operation)
            for path, item in contract.document["paths"].items()
            for method, operation in item.items()
            if method != "parameters"
        }

    def examples(self) -> set[tuple[str, str]]:
        """All examples there are: of requests and good answers by operation, of errors by response, of webhooks."""
        return {
            *(
                (name, f"request {each}")
                for name, (_, _, item) in self._operations.items()
                for each in self._requests(item)
            ),
            *((name, each) for name, (_, _, item) in self._operations.items() for each in self._answers(item)),
            *((name, each) for name, item in self._responses().items() for each in media(item).get("examples", {})),
            *((name, each) for name, item in self._webhooks().items() for each in media(item).get("examples", {})),
        }

    async def ask(
        self,
        operation_id: str,
        shows: str | None = None,
        *,
        ids: Mapping[str, Any] | str | int = "",
        query: Mapping[str, Any] | None = None,
        request: str | None = None,
        changed: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> Any:
        """Send a request, with the example `request` as its body; the answer must be like the example `shows`."""
        method, path, operation = self._operations[operation_id]
        body = self._request_body(operation_id, operation, request, changed)
        values = ids if isinstance(ids, Mapping) else {"id": ids}
        path = re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), path)
        async with self.session.request(method, path, json=body, params=query, headers=headers) as answer:
            text = await answer.text()
        self.contract.check(method.upper(), path, answer.status, answer.headers, text.encode())
        assert answer.status == (status or good(operation)), text
        found = json.loads(text) if answer.content_type == "application/json" else text
        if shows:
            self._compare((operation_id, shows), self._answers(operation)[shows], found)
        return found

    async def stream(self, operation_id: str, shows: str, headers: Mapping[str, str]) -> None:
        """Read the first event of a stream; it must be like the example `shows`."""
        _, path, operation = self._operations[operation_id]
        async with self.session.get(path, headers=headers) as answer:
            text = b""
            while b"\ndata: " not in text or not text.endswith(b"\n\n"):
                text += await answer.content.readline()
        example = self._answers(operation)[shows]
        self._compare((operation_id, shows), fields(example), fields(text.decode()))

    async def refused(self, response: str, shows: str, operation_id: str, **details: Any) -> None:
        """Send a request whose refusal must be like the example `shows` of a response."""
        _, _, operation = self._operations[operation_id]
        reference = f"#/components/responses/{response}"
        [status] = [number for number, item in operation["responses"].items() if item.get("$ref") == reference]
        error = await self.ask(operation_id, status=int(status), **details)
        example = self.contract.resolve(media(self._responses()[response])["examples"][shows])["value"]
        assert template(error["error"]) == template(example["error"]), error
        self._compare((response, shows), example, error)

    def heard(self, event_type: str, body: Any) -> None:
        """Compare what a receiver got with the example of its webhook."""
        [(name, example)] = media(self._webhooks()[event_type])["examples"].items()
        self._compare((event_type, name), self.contract.resolve(example)["value"], body)

    def _compare(self, key: tuple[str, str], example: Any, actual: Any) -> None:
        found = list(differences(example, actual))
        assert not found, f"{key}: {found}"
        self.told.add(key)

    def _request_body(
        self, operation_id: str, operation: dict[str, Any], request: str | None, changed: Mapping[str, Any] | None
    ) -> Any:
        if request is None:
            return changed
        self.told.add((operation_id, f"request {request}"))
        return {**self._requests(operation)[request], **(changed or {})}

    def _requests(self, operation: dict[str, Any]) -> dict[str, Any]:
        return self._values(operation["requestBody"]) if "requestBody" in operation else {}

    def _answers(self, operation: dict[str, Any]) -> dict[str, Any]:
        return {
            name: value
            for item in operation["responses"].values()
            if "$ref" not in item
            for name, value in self._values(item).items()
        }

    def _values(self, item: dict[str, Any]) -> dict[str, Any]:
        found = {name: self.contract.resolve(each)["value"] for name, each in media(item).get("examples", {}).items()}
        only = item.get("content", {}).get("application/json", {})
        return found | ({"example": only["example"]} if "example" in only else {})

    def _responses(self) -> dict[str, Any]:
        return dict(self.contract.document["components"]["responses"])

    def _webhooks(self) -> dict[str, Any]:
        return {name: item["post"]["requestBody"] for name, item in self.contract.document["webhooks"].items()}


def media(item: dict[str, Any]) -> dict[str, Any]:
    """Return the schema and the examples of a body; nothing if there is no body."""
    return next(iter(item.get("content", {}).values()), {})


def good(operation: dict[str, Any]) -> int:
    """Return the status of success."""
    return min(int(status) for status in operation["responses"])


def fields(text: str) -> dict[str, Any]:
    """Return the fields of the first event in a stream, its data as JSON."""
    found = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return {**found, "data": json.loads(found["data"])}
