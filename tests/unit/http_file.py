"""The API document as a file of requests, for editors that send them."""

import json
from typing import Any, Final

_FILES: Final = ("/docs", "/tonpay/public/static")
_HEAD: Final = """# Every call of the API, for an editor that sends requests.
# Written by `make reference` from the API document.
# url and bearer: what `make run` printed. The other values: of your own.
@url = http://127.0.0.1:8081
@bearer = TOKEN
"""


class HttpFile:
    """The API document, as requests."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._variables: dict[str, Any] = {}

    def text(self) -> str:
        """Return all requests, and before them the variables that they use."""
        requests = [
            self._request(method, path, operation, item.get("parameters", []))
            for path, item in self._document["paths"].items()
            for method, operation in item.items()
            if method != "parameters" and not path.startswith(_FILES)
        ]
        variables = "".join(f"@{name} = {value}\n" for name, value in self._variables.items())
        return _HEAD + variables + "".join(requests)

    def _request(self, method: str, path: str, operation: dict[str, Any], parameters: list[dict[str, Any]]) -> str:
        for parameter in [*parameters, *operation.get("parameters", [])]:
            found = self._resolve(parameter)
            if found["in"] == "path":
                path = path.replace(f"{{{found['name']}}}", self._variable(parameter, found["example"]))
        lines = [
            f"\n### {operation['summary']}",
            f"# @name {operation['operationId']}",
            f"{method.upper()} {{{{url}}}}{path}",
        ]
        if operation["security"]:
            lines.append("Authorization: Bearer {{bearer}}")
        for kind, media in operation.get("requestBody", {}).get("content", {}).items():
            lines += [f"Content-Type: {kind}", "", self._body(media)]
        return "\n".join(lines) + "\n"

    def _variable(self, parameter: dict[str, Any], example: object) -> str:
        """Return the variable that stands for a parameter of a path."""
        name = parameter.get("$ref", parameter.get("name", "")).rpartition("/")[2].removesuffix("Id").lower()
        self._variables[name] = example
        return f"{{{{{name}}}}}"

    def _body(self, media: dict[str, Any]) -> str:
        examples = [self._resolve(each)["value"] for each in media.get("examples", {}).values()]
        example = examples[0] if examples else media["example"]
        return json.dumps(example | ({"invoice_id": "{{invoice}}"} if "invoice_id" in example else {}), indent=2)

    def _resolve(self, item: dict[str, Any]) -> dict[str, Any]:
        found: Any = self._document if "$ref" in item else item
        for name in item.get("$ref", "#").split("/")[1:]:
            found = found[name]
        return dict(found)
