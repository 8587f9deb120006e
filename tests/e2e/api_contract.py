"""The OpenAPI document as a judge of answers: each must have a status, headers and a body that the document names."""

import copy
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

import harvester.api

PATH = Path(harvester.api.__file__).with_name("openapi.json")
URI = "urn:api"
PLAIN = {404: "404 page not found\n", 405: "Method Not Allowed\n"}
"""Paths and methods that do not exist."""
_OPEN = ("InvoiceMembers", "NewInvoice", "NewMetadata")
"""Parts of others, and what may have more members."""
_DEEP = "[" * 500, '{"a":' * 500
"""Past what the validator can follow."""


class Contract:
    """Checks answers. Stricter than the document: a member that it does not name is an error."""

    def __init__(self, document: dict[str, Any] | None = None) -> None:
        self.document: dict[str, Any] = document or json.loads(PATH.read_text())
        strict = copy.deepcopy(self.document)
        for name, schema in strict["components"]["schemas"].items():
            if name not in _OPEN:
                schema["unevaluatedProperties"] = False
        self._registry = Registry().with_resource(URI, DRAFT202012.create_resource(strict))

    def operations(self) -> set[tuple[str, str]]:
        """(method, path) of all that is documented."""
        return {
            (method.upper(), path)
            for path, item in self.document["paths"].items()
            for method in item
            if method != "parameters"
        }

    def check(self, method: str, path: str, status: int, headers: Any, body: bytes) -> None:
        """Fail if the answer is not one that the document names."""
        operation = self._operation("get" if method == "HEAD" else method.lower(), path.partition("?")[0])
        if operation is None:
            assert body.decode() == ("" if method == "HEAD" else PLAIN[status])
            return
        assert str(status) in operation["responses"], f"{method} {path}: {status} is not documented: {body[:300]!r}"
        response = self.resolve(operation["responses"][str(status)])
        for name, header in response["headers"].items():
            told = self.resolve(header)
            if name not in headers and not told["required"]:
                continue
            assert name in headers, f"{method} {path}: {name} is missing"
            schema = told["schema"]
            self.validate(schema, int(headers[name]) if schema["type"] == "integer" else headers[name])
        self._check_body(response.get("content"), method, headers, body)

    def validate(self, schema: dict[str, Any], value: Any) -> None:
        """Fail if a value is not as the schema says; references are into the document."""
        absolute = json.loads(json.dumps(schema).replace('"#/', f'"{URI}#/'))
        Draft202012Validator(absolute, registry=self._registry).validate(value)

    def _check_body(self, content: dict[str, Any] | None, method: str, headers: Any, body: bytes) -> None:
        if content is None:
            assert body == b""
            return
        kind = headers["Content-Type"]
        assert kind in content
        if kind == "application/json" and method != "HEAD" and not any(deep in body.decode() for deep in _DEEP):
            self.validate(content[kind]["schema"], json.loads(body))

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for template, item in self.document["paths"].items():
            if re.fullmatch(re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", re.escape(template)), path):
                found: dict[str, Any] | None = item.get(method)
                return found
        return None

    def resolve(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return what a part of the document refers to, or the part itself."""
        if "$ref" in item:
            return self._registry.resolver(URI).lookup(quote(item["$ref"], safe="#/")).contents  # type: ignore[no-any-return]
        return item
