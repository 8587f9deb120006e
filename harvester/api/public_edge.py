"""What stands before the public routes: browsers may use them from any site, and nobody too often."""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from harvester.api.visitors import Visitors

_PUBLIC: Final = "/tonpay/public/"
_PUBLIC_API: Final = f"{_PUBLIC}api/"
_PAGE: Final = f"{_PUBLIC}invoice/"
"""It counts what it answers itself, and tells people in words of its own that they ask too often."""
_ANY_ORIGIN: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After, X-Request-Id",
}
_PREFLIGHT: Final = _ANY_ORIGIN | {
    "Access-Control-Allow-Headers": "Content-Type, Last-Event-ID, X-Request-Id",
    "Access-Control-Max-Age": "86400",
}


class PublicEdge:
    """CORS without credentials for the public API, and a rate for everything public."""

    def __init__(self, visitors: Visitors) -> None:
        self._visitors = visitors

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handle one request."""
        if not request.path.startswith(_PUBLIC):
            return await handler(request)
        if not request.path.startswith(_PAGE) or request.match_info.http_exception:
            self._visitors.take_turn(request)
        return _preflight(request) or await handler(request)

    async def dress(self, request: web.Request, answer: web.StreamResponse) -> None:
        """Let scripts of any site read the answers of the public API, errors included."""
        if request.path.startswith(_PUBLIC_API):
            answer.headers.update(_ANY_ORIGIN)


def _preflight(request: web.Request) -> web.Response | None:
    """Return the answer to a browser that asks whether a script may send a request; None: it is something else."""
    missing = request.match_info.http_exception
    if (
        request.method != "OPTIONS"
        or "Access-Control-Request-Method" not in request.headers
        or not request.path.startswith(_PUBLIC_API)
        or not isinstance(missing, web.HTTPMethodNotAllowed)
    ):
        return None
    allowed = ", ".join(sorted(missing.allowed_methods))
    return web.Response(status=204, headers=_PREFLIGHT | {"Access-Control-Allow-Methods": allowed})
