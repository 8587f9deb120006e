"""Keeps changes out until the start is finished: what is changed before has no webhook for a new endpoint."""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

from harvester.domain.errors import Unavailable

_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})


class Opening:
    """Refuses requests that change something until `opened` is set."""

    def __init__(self, opened: asyncio.Event) -> None:
        self._opened = opened

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handle one request."""
        if not self._opened.is_set() and request.method not in _HARMLESS:
            raise Unavailable("the daemon is starting")
        return await handler(request)
