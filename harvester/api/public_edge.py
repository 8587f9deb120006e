"""What stands before the public routes: browsers may use them from any site, and nobody too often."""

import time
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from harvester.api.answers import Refusal
from harvester.api.buckets import Buckets
from harvester.api.limits import Limits
from harvester.api.visitors import Visitors
from harvester.metrics import Metrics

PUBLIC: Final = "/tonpay/public/"
PUBLIC_API: Final = f"{PUBLIC}api/"
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

    def __init__(self, limits: Limits, visitors: Visitors, metrics: Metrics) -> None:
        self._visitors = visitors
        self._buckets = Buckets(limits.public_rate) if limits.public_rate else None
        self._refused = metrics.rate_limited.inc

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handle one request."""
        if not request.path.startswith(PUBLIC):
            return await handler(request)
        self._limit(request)
        return _preflight(request) or await handler(request)

    async def dress(self, request: web.Request, answer: web.StreamResponse) -> None:
        """Let scripts of any site read the answers of the public API, errors included."""
        if request.path.startswith(PUBLIC_API):
            answer.headers.update(_ANY_ORIGIN)

    def _limit(self, request: web.Request) -> None:
        visitor = self._visitors.visitor(request) if self._buckets else None
        if self._buckets is None or visitor is None:
            return
        if wait_secs := self._buckets.take(visitor, time.monotonic()):
            self._refused()
            raise Refusal(429, "too_many_requests", "too many requests from this address", wait_secs)


def _preflight(request: web.Request) -> web.Response | None:
    """Return the answer to a browser that asks whether a script may send a request; None: it is something else."""
    missing = request.match_info.http_exception
    if (
        request.method != "OPTIONS"
        or "Access-Control-Request-Method" not in request.headers
        or not request.path.startswith(PUBLIC_API)
        or not isinstance(missing, web.HTTPMethodNotAllowed)
    ):
        return None
    allowed = ", ".join(sorted(missing.allowed_methods))
    return web.Response(status=204, headers=_PREFLIGHT | {"Access-Control-Allow-Methods": allowed})
