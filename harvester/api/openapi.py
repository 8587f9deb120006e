"""The API's own description, written by hand and held to the running server by tests."""

from collections.abc import Sequence
from importlib.resources import files

import orjson
from aiohttp import web

from harvester.api.answers import json_answer


class OpenApiRoutes:
    """`/openapi.json`."""

    def __init__(self) -> None:
        text = files("harvester.api").joinpath("openapi.json").read_bytes()
        self._document = orjson.dumps(orjson.loads(text))

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes."""
        return [web.get("/openapi.json", self.document)]

    async def document(self, _request: web.Request) -> web.StreamResponse:
        """Return the OpenAPI document."""
        return json_answer(self._document)
