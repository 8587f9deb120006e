"""The routes of endpoints and of what was sent to them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import orjson
from aiohttp import web
from pydantic import Field

from harvester.api.answers import json_answer
from harvester.api.auth import TokenGuard
from harvester.api.bodies import Body, query_number, read_body
from harvester.api.boundary import more_time
from harvester.api.paths import PRIVATE
from harvester.api.payment_schemas import LAST_SECOND
from harvester.api.repeats import once
from harvester.domain.access import Scope
from harvester.domain.errors import InvalidInput
from harvester.services.endpoints import DEFAULT_OVERLAP_SECS, MAX_OVERLAP_SECS, Endpoints
from harvester.services.outbox import MAX_PAGE, Outbox
from harvester.services.webhook_views import answer_view, deliveries_view, delivery_view, endpoint_view, secret_view
from harvester.storage.deliveries import DeliveryStatus
from harvester.storage.endpoints import Endpoint
from harvester.storage.outbox import MAX_DELIVERY_ID

_DEFAULT_PAGE: Final = 20
_REPLAY_SECS: Final = 600.0
"""It is done in batches, however many there are; given up in the middle, it would have to begin anew."""


class NewEndpoint(Body):
    """The body of a request to make an endpoint."""

    name: str
    url: str
    event_types: list[str] | None = None


class EndpointChange(Body):
    """What may be changed; what is absent stays as it is."""

    url: str | None = None
    event_types: list[str] | None = None


class Rotation(Body):
    """How long the old secret signs, too."""

    overlap: int = Field(default=DEFAULT_OVERLAP_SECS, ge=0, le=MAX_OVERLAP_SECS)


class TimeRange(Body):
    """Unix seconds: from `since` to before `until`, which is now if it is absent."""

    since: int = Field(ge=0, le=LAST_SECOND)
    until: int | None = Field(default=None, ge=0, le=LAST_SECOND)


class EndpointRoutes:
    """Endpoints over HTTP, for the merchant. `{id}` is an endpoint's id or name."""

    def __init__(self, endpoints: Endpoints, outbox: Outbox) -> None:
        self._endpoints = endpoints
        self._outbox = outbox

    def routes(self, guard: TokenGuard) -> Sequence[web.RouteDef]:
        """Return the routes, behind `guard`."""
        base, one, delivery = f"{PRIVATE}/endpoints", f"{PRIVATE}/endpoints/{{id}}", f"{PRIVATE}/deliveries/{{id}}"
        return [
            web.get(base, guard(Scope.READ, self.list)),
            web.post(base, guard(Scope.OPERATE, self.add)),
            web.get(one, guard(Scope.READ, self.get)),
            web.patch(one, guard(Scope.OPERATE, self.change)),
            web.delete(one, guard(Scope.OPERATE, self.remove)),
            web.post(f"{one}/enable", guard(Scope.OPERATE, self.enable)),
            web.post(f"{one}/disable", guard(Scope.OPERATE, self.disable)),
            web.post(f"{one}/rotate-secret", guard(Scope.OPERATE, self.rotate)),
            web.post(f"{one}/test", guard(Scope.OPERATE, self.test)),
            web.post(f"{one}/replay", guard(Scope.OPERATE, self.replay)),
            web.get(f"{one}/deliveries", guard(Scope.READ, self.deliveries)),
            web.get(delivery, guard(Scope.READ, self.delivery)),
            web.post(f"{delivery}/resend", guard(Scope.OPERATE, self.resend)),
        ]

    async def list(self, _request: web.Request) -> web.StreamResponse:
        """List endpoints by name."""
        return _json({"endpoints": [endpoint_view(endpoint) for endpoint in await self._endpoints.list()]})

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Make an endpoint; its secret is in this answer and never again."""
        new = await read_body(request, NewEndpoint)
        key = once(request, _secret, 201)
        return json_answer(_secret(await self._endpoints.add(new.name, new.url, new.event_types, once=key)), 201)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Show one."""
        return _json(endpoint_view(await self._endpoints.get(_id(request))))

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Change URL or event types."""
        change = await read_body(request, EndpointChange)
        return _json(endpoint_view(await self._endpoints.change(_id(request), change.url, change.event_types)))

    async def remove(self, request: web.Request) -> web.StreamResponse:
        """Remove one; what is pending for it is given up."""
        await self._endpoints.remove(_id(request))
        return web.Response(status=204)

    async def enable(self, request: web.Request) -> web.StreamResponse:
        """Send to it again."""
        return json_answer(_shown(await self._endpoints.enable(_id(request), once(request, _shown))))

    async def disable(self, request: web.Request) -> web.StreamResponse:
        """Send it nothing."""
        reason = "over the API"
        return json_answer(_shown(await self._endpoints.disable(_id(request), reason, once(request, _shown))))

    async def rotate(self, request: web.Request) -> web.StreamResponse:
        """Make a new secret, which is in this answer and never again."""
        rotation = await read_body(request, Rotation)
        key = once(request, _secret)
        return json_answer(_secret(await self._endpoints.rotate(_id(request), rotation.overlap, key)))

    async def test(self, request: web.Request) -> web.StreamResponse:
        """Send a test and say what was answered."""
        return _json(answer_view(await self._endpoints.test(_id(request))))

    async def replay(self, request: web.Request) -> web.StreamResponse:
        """Tell what happened in a range of time, again or for the first time."""
        times = await read_body(request, TimeRange)
        more_time(request, _REPLAY_SECS)
        until_secs = LAST_SECOND if times.until is None else times.until
        since, until = (datetime.fromtimestamp(moment, UTC) for moment in (times.since, until_secs))
        return _json({"replayed": await self._endpoints.replay(_id(request), since, until)})

    async def deliveries(self, request: web.Request) -> web.StreamResponse:
        """List what was sent to the endpoint, or is to be sent, newest first."""
        limit = query_number(request, "limit", _DEFAULT_PAGE, 1, MAX_PAGE)
        before = query_number(request, "before", MAX_DELIVERY_ID, 1, MAX_DELIVERY_ID)
        endpoint = await self._endpoints.get(_id(request))
        page = await self._outbox.page(_statuses(request), limit, before, endpoint.id)
        return _json(deliveries_view(page, limit))

    async def delivery(self, request: web.Request) -> web.StreamResponse:
        """Show a delivery with all its attempts."""
        return _json(delivery_view(*await self._outbox.show(_delivery_id(request))))

    async def resend(self, request: web.Request) -> web.StreamResponse:
        """Send a delivery again."""
        number = _delivery_id(request)
        await self._outbox.resend(number)
        return _json(delivery_view(*await self._outbox.show(number)))


def _shown(endpoint: Endpoint) -> bytes:
    return orjson.dumps(endpoint_view(endpoint))


def _secret(endpoint: Endpoint) -> bytes:
    return orjson.dumps(secret_view(endpoint))


def _json(members: dict[str, object], status: int = 200) -> web.Response:
    return json_answer(orjson.dumps(members), status)


def _id(request: web.Request) -> str:
    return request.match_info["id"].replace("\0", "")


def _delivery_id(request: web.Request) -> int:
    text = request.match_info["id"]
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_DELIVERY_ID))):
        raise InvalidInput("a delivery id is a number")
    return int(text)


def _statuses(request: web.Request) -> Sequence[DeliveryStatus]:
    given = request.query.get("status", "")
    try:
        return [DeliveryStatus(given)] if given else list(DeliveryStatus)
    except ValueError:
        raise InvalidInput(f"status must be one of {', '.join(DeliveryStatus)}") from None
