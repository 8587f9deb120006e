"""The routes of tokens: who may use this API, and for what."""

from collections.abc import Mapping, Sequence
from typing import Final

import orjson
from aiohttp import web
from pydantic import Field

from harvester.api.answers import json_answer
from harvester.api.auth import TokenGuard, caller
from harvester.api.bodies import Body, read_body
from harvester.api.paths import PRIVATE
from harvester.api.repeats import once
from harvester.domain.access import Scope, Token
from harvester.domain.errors import InvalidInput
from harvester.services.token_views import token_view
from harvester.services.tokens import DEFAULT_OVERLAP_SECS, MAX_LIFE_SECS, MAX_OVERLAP_SECS, NewToken, Tokens

_SCOPES: Final[Mapping[str, Scope]] = {scope.value: scope for scope in Scope}


class NewTokenBody(Body):
    """The body of a request to make a token."""

    name: str
    scopes: list[str]
    expires_in: int | None = Field(default=None, ge=1, le=MAX_LIFE_SECS)


class RotationBody(Body):
    """How long the old secret is good, too, and how long the token is from now on."""

    overlap: int = Field(default=DEFAULT_OVERLAP_SECS, ge=0, le=MAX_OVERLAP_SECS)
    expires_in: int | None = Field(default=None, ge=1, le=MAX_LIFE_SECS)


class TokenRoutes:
    """Tokens over HTTP, for whoever operates. `{id}` is a token's id or name."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def routes(self, guard: TokenGuard) -> Sequence[web.RouteDef]:
        """Return the routes, behind `guard`."""
        base, one = f"{PRIVATE}/tokens", f"{PRIVATE}/tokens/{{id}}"
        return [
            web.get(base, guard(Scope.OPERATE, self.list)),
            web.post(base, guard(Scope.OPERATE, self.create)),
            web.post(f"{one}/rotate", guard(Scope.OPERATE, self.rotate)),
            web.post(f"{one}/revoke", guard(Scope.OPERATE, self.revoke)),
        ]

    async def list(self, _request: web.Request) -> web.StreamResponse:
        """List tokens by name."""
        return json_answer(orjson.dumps({"tokens": [token_view(token) for token in await self._tokens.list()]}))

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Make a token; its text is in this answer and never again."""
        new = await read_body(request, NewTokenBody)
        scopes = [_scope(text) for text in new.scopes]
        key = once(request, _without_text, 201)
        made = await self._tokens.create(new.name, scopes, new.expires_in, caller(request), key)
        return json_answer(_with_text(made), 201)

    async def rotate(self, request: web.Request) -> web.StreamResponse:
        """Give a token a new secret, which is in this answer and never again."""
        times, key = await read_body(request, RotationBody), once(request, _without_text)
        rotated = await self._tokens.rotate(_id(request), times.overlap, times.expires_in, caller(request), key)
        return json_answer(_with_text(rotated))

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """Let a token be good for nothing any more."""
        return json_answer(_shown(await self._tokens.revoke(_id(request), once(request, _shown))))


def _shown(token: Token) -> bytes:
    return orjson.dumps(token_view(token))


def _with_text(made: NewToken) -> bytes:
    return orjson.dumps(token_view(*made))


def _without_text(made: NewToken) -> bytes:
    """Return what is kept for a repeated request: a token's text is stored nowhere."""
    return _shown(made[0])


def _scope(text: str) -> Scope:
    if text not in _SCOPES:
        raise InvalidInput(f"scopes must be one or more of {', '.join(Scope)}")
    return _SCOPES[text]


def _id(request: web.Request) -> str:
    return request.match_info["id"].replace("\0", "")
