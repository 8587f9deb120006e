"""The API's own description, written by hand and held to the running server by tests, and a page to browse it.

What plug-ins serve besides, they describe in documents of the same form, whose paths and components are put into it.

The page is Swagger UI, whose files come with the package `flask-swagger-ui`: nothing of it is imported. Both are for
anybody, as the document is; nothing is asked of another host.
"""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import orjson
from aiohttp import web

from harvester.api.answers import json_answer
from harvester.domain.errors import InvariantBroken, NotFound

_SWAGGER_UI: Final = ("index.css", "swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_TYPES: Final = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
_POLICY: Final = (
    # Swagger UI has its icons in data URLs.
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}


class OpenApiRoutes:
    """`/openapi.json`, and `/docs` where Swagger UI is installed."""

    def __init__(self, further: Iterable[Path] = ()) -> None:
        """Read the document; `further`: those of plug-ins."""
        ours = Path(str(files("harvester.api")))
        document = orjson.loads((ours / "openapi.json").read_bytes())
        for path in further:
            _add(document, orjson.loads(path.read_bytes()))
        self._document = orjson.dumps(document)
        self._page = ours / "docs" / "page.html"
        self._assets = _swagger_ui(ours / "docs" / "start.js")

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/openapi.json", self.document),
            web.get("/docs", self.page),
            web.get("/docs/{name}", self.asset),
        ]

    async def document(self, _request: web.Request) -> web.StreamResponse:
        """Return the OpenAPI document."""
        return json_answer(self._document)

    async def page(self, _request: web.Request) -> web.StreamResponse:
        """Return the page that shows the document."""
        if not self._assets:
            raise NotFound("the page is not installed (harvester[docs]); /openapi.json says the same")
        return _file(self._page)

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """Return a file that the page needs."""
        path = self._assets.get(request.match_info["name"])
        if path is None:
            raise NotFound("not found")
        return _file(path)


def _add(document: dict[str, Any], brought: dict[str, Any]) -> None:
    """Put what a plug-in describes into `document`.

    Raises:
        InvariantBroken: a name in it is taken.
    """
    document["tags"] += brought.get("tags", [])
    kinds = document["components"]
    parts = [(document["paths"], brought["paths"])]
    parts += [(kinds.setdefault(kind, {}), named) for kind, named in brought.get("components", {}).items()]
    for known, new in parts:
        if taken := known.keys() & new.keys():
            raise InvariantBroken(f"two API documents describe {min(taken)}")
        known.update(new)


def _file(path: Path) -> web.StreamResponse:
    return web.FileResponse(path, headers=_HEADERS | {"Content-Type": _TYPES[path.suffix]})


def _swagger_ui(start: Path) -> dict[str, Path]:
    """Return the files of the package, which is found but not imported, and ours that starts them; none without it."""
    package = find_spec("flask_swagger_ui")
    if package is None or package.origin is None:
        return {}
    return {start.name: start} | {name: Path(package.origin).parent / "dist" / name for name in _SWAGGER_UI}
