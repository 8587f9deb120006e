"""Who may use the private routes, and for what."""

import hmac
import time
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from harvester.api.answers import Refusal
from harvester.api.buckets import Buckets
from harvester.api.limits import GUESSES_PER_MINUTE, Limits
from harvester.api.repeats import Repeats
from harvester.api.visitors import Visitors
from harvester.domain.access import ENVIRONMENT, Caller, Scope
from harvester.metrics import Metrics
from harvester.services.authentication import Authentication
from harvester.services.idempotency import Keys

_BEARER: Final = "Bearer "
_AUTHENTICATION: Final = web.RequestKey("authentication", Authentication)
_CALLER: Final = web.RequestKey("caller", Caller)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the API, and how often."""

    token: str = field(repr=False)
    """The environment's, which may do everything. Not empty."""
    authentication: Authentication
    keys: Keys
    limits: Limits = field(default_factory=Limits)


def caller(request: web.Request) -> Caller:
    """Return who has sent a request that the guard has let through."""
    return request[_CALLER]


async def still_admitted(request: web.Request) -> bool:
    """Return whether the token of a request is still good: to be asked by what goes on for long.

    Raises:
        Unavailable: the database had to be asked, and does not answer.
    """
    if caller(request) is ENVIRONMENT:
        return True
    return await request[_AUTHENTICATION].caller(_token(request)) is not None


def _token(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix(_BEARER)


class TokenGuard:
    """Lets requests through that carry `Authorization: Bearer <token>` with a token that has the route's scope.

    All others get 401, or 403 if only the scope is missing. Who tries many tokens gets 429 and is not looked up any
    more; but what was somebody's token when it was last looked up always gets in, and so does the environment's:
    otherwise a stranger behind the same proxy could shut out the merchant.
    """

    def __init__(self, access: Access, visitors: Visitors, metrics: Metrics) -> None:
        self._expected = (_BEARER + access.token).encode()
        self._authentication = access.authentication
        self._repeats = Repeats(access.keys, metrics)
        self._visitors = visitors
        self._guesses = Buckets(GUESSES_PER_MINUTE)
        self._failures = metrics.auth_failures

    def __call__(self, scope: Scope, handler: Handler) -> Handler:
        """Return `handler` behind the guard, for tokens with `scope`; a POST may carry an Idempotency-Key."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            found = await self._caller(request)
            if found is None:
                return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
            self._check(found, scope)
            request[_CALLER], request[_AUTHENTICATION] = found, self._authentication
            if request.method == "POST":
                return await self._repeats.answer(request, found, handler)
            return await handler(request)

        return guarded

    async def _caller(self, request: web.Request) -> Caller | None:
        given = request.headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(errors="surrogatepass"), self._expected):
            return ENVIRONMENT
        text = _token(request)
        if text == given:
            self._failures.labels("missing").inc()
            return None
        if not self._authentication.remembers(text):
            self._count_guess(request)
        found = await self._authentication.caller(text)
        if found is None:
            self._failures.labels("wrong").inc()
        return found

    def _count_guess(self, request: web.Request) -> None:
        visitor = self._visitors.visitor(request)
        if visitor and (wait_secs := self._guesses.take(visitor, time.monotonic())):
            self._failures.labels("limited").inc()
            raise Refusal(429, "too_many_requests", "too many wrong tokens from this address", wait_secs)

    def _check(self, found: Caller, scope: Scope) -> None:
        if scope not in found.scopes:
            self._failures.labels("scope").inc()
        found.must_have(scope)
