"""The merchant's token."""

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler


class TokenGuard:
    """Lets requests through that carry `Authorization: Bearer <token>`, and answers 401 to all others."""

    def __init__(self, token: str) -> None:
        self._expected = b"Bearer " + token.encode()

    def __call__(self, handler: Handler) -> Handler:
        """Return `handler` behind the guard."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "").encode(errors="surrogatepass")
            if not hmac.compare_digest(given, self._expected):
                return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
            return await handler(request)

        return guarded
