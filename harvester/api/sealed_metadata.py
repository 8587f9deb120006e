"""The routes for payers' wallets: commit a key, and get what was bought, sealed with it."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

import orjson
from aiohttp import web

from harvester.api.answers import Refusal
from harvester.api.bodies import read_bytes
from harvester.api.buckets import Buckets
from harvester.api.paths import INVOICE_ID, PUBLIC
from harvester.api.visitors import Visitors
from harvester.domain.errors import InvalidInput
from harvester.domain.identifiers import parse_invoice_id
from harvester.services.sealed_metadata import SealedMetadata

MAX_COMMIT_BYTES: Final = 4096
COMMITS_PER_MINUTE: Final = 30
"""Keys that a visitor may commit, on top of the limit of all public routes: each costs signatures and a row."""
_SEALED_HEADERS: Final = {"Content-Type": "application/octet-stream", "Cache-Control": "no-store"}


class SealedMetadataRoutes:
    """Purchase metadata over HTTP, for anybody: it is of use to nobody but who paid."""

    def __init__(self, sealed_metadata: SealedMetadata, commits_per_minute: int = COMMITS_PER_MINUTE) -> None:
        self._sealed_metadata = sealed_metadata
        self._commits = Buckets(commits_per_minute)

    def routes(self, visitors: Visitors) -> Sequence[web.RouteDef]:
        """Return the routes; `visitors` says whom a request counts for."""

        async def commit(request: web.Request) -> web.StreamResponse:
            self._limit(visitors, request)
            return await self.commit(request)

        return [
            web.post(f"{PUBLIC}/keys/{{account:[^/]+}}/commit", commit),
            web.get(f"{PUBLIC}/invoices/{INVOICE_ID}/metadata", self.show),
        ]

    async def commit(self, request: web.Request) -> web.StreamResponse:
        """Take a payer's key."""
        members = _members(await read_bytes(request, MAX_COMMIT_BYTES))
        await self._sealed_metadata.commit(request.match_info["account"], members)
        return web.Response()

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Answer with the sealed metadata of an invoice."""
        sealed = await self._sealed_metadata.sealed(parse_invoice_id(request.match_info["id"]))
        return web.Response(body=sealed, headers=_SEALED_HEADERS)

    def _limit(self, visitors: Visitors, request: web.Request) -> None:
        visitor = visitors.visitor(request)
        if visitor and (wait_secs := self._commits.take(visitor, time.monotonic())):
            raise Refusal(429, "too_many_requests", "too many keys from this address", wait_secs)


def _members(body: bytes) -> Mapping[str, object]:
    """Return the members of a JSON object, found whatever their case; the last of equal ones counts."""
    try:
        members = orjson.loads(body)
    except orjson.JSONDecodeError:
        members = None
    if not isinstance(members, dict):
        raise InvalidInput("the body must be a JSON object")
    return {name.casefold(): value for name, value in members.items()}
