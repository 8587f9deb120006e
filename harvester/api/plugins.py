"""Routes that plug-ins bring: served as they are, in wire formats of their own.

Around them is what is around every route: ids, metrics, the limit of time, and an answer to whatever they raise. They
are guarded by nothing: who may do what at a desk is theirs to check.
"""

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from harvester.api.bodies import read_bytes
from harvester.api.visitors import Visitors
from harvester.chain.requests import CLIENT, Client


class PluginRoutes:
    """Tells each of `brought` whose a request is."""

    def __init__(self, brought: Sequence[web.RouteDef], openapi_paths: Sequence[Path] = ()) -> None:
        """Make it; `openapi_paths`: the documents that describe these routes."""
        self._brought = brought
        self.openapi_paths = openapi_paths

    def routes(self, visitors: Visitors) -> Sequence[web.RouteDef]:
        """Return the routes."""
        return [
            web.RouteDef(each.method, each.path, _telling(visitors, each.handler), each.kwargs)
            for each in self._brought
        ]


def _telling(visitors: Visitors, handler: Handler) -> Handler:
    """Return `handler` with a client in each request."""

    async def told(request: web.Request) -> web.StreamResponse:
        def ip_address(headers: Collection[str]) -> str | None:
            address = visitors.address(request, headers)
            return None if address is None else str(address)

        request[CLIENT] = Client(ip_address, partial(visitors.take_turn, request), partial(read_bytes, request))
        return await handler(request)

    return told
