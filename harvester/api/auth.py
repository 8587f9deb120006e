"""Who may use the private routes."""

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler

from harvester.domain.access import Scope


class TokenGuard:
    """Lets requests through that carry `Authorization: Bearer <token>`, and answers 401 to all others."""

    def __init__(self, token: str) -> None:
        self._expected = b"Bearer " + token.encode()

    def __call__(self, scope: Scope, handler: Handler) -> Handler:
        """Return `handler` behind the guard, for tokens with `scope`."""
        del scope  # the environment's token has all

        async def guarded(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "").encode(errors="surrogatepass")
            if not hmac.compare_digest(given, self._expected):
                return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
            return await handler(request)

        return guarded
