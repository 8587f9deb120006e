"""The route of events, for programs that must miss none: pages that wait for news, and the same as a stream (SSE)."""

import re
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

import orjson
from aiohttp import web

from harvester.api.answers import Refusal, json_answer
from harvester.api.auth import TokenGuard, still_admitted
from harvester.api.bodies import query_number
from harvester.api.boundary import more_time
from harvester.api.paths import PRIVATE
from harvester.api.sse import EVENT_STREAM, EventStream, one_line
from harvester.domain.access import Scope
from harvester.domain.errors import InvalidInput, Unavailable
from harvester.domain.events import unix_seconds
from harvester.services.event_feed import MAX_NUMBER, MAX_PAGE, MAX_WAIT_SECS, EventFeed
from harvester.storage.event_feed import NumberedEvent

MAX_READERS: Final = 256
HEARTBEAT_SECS: Final = 15.0
_READERS_RETRY_SECS: Final = 5.0
_DEFAULT_PAGE: Final = 100
_STREAM_PAGE: Final = 100
_HEARTBEAT: Final = b": still here\n\n"
_NUMBER: Final = re.compile(r"[0-9]{1,19}")


class EventRoutes:
    """Events over HTTP, for the merchant."""

    def __init__(self, feed: EventFeed, heartbeat_secs: float = HEARTBEAT_SECS) -> None:
        self._feed = feed
        self._heartbeat_secs = heartbeat_secs

    def routes(self, guard: TokenGuard) -> Sequence[web.RouteDef]:
        """Return the routes, behind `guard`."""
        return [
            web.get(f"{PRIVATE}/events", guard(Scope.READ, self.read), allow_head=False),
            web.get(f"{PRIVATE}/events/stream", guard(Scope.READ, self.stream), allow_head=False),
        ]

    async def read(self, request: web.Request) -> web.StreamResponse:
        """Answer with the events after a number, as soon as there are some or the time is up."""
        if EVENT_STREAM in request.headers.get("Accept", ""):
            return await self.stream(request)
        self._admit()
        after = query_number(request, "after", 0, 0, MAX_NUMBER)
        limit = query_number(request, "limit", _DEFAULT_PAGE, 1, MAX_PAGE)
        wait_secs = query_number(request, "wait", 0, 0, int(MAX_WAIT_SECS))
        more_time(request, wait_secs)
        page = await self._feed.read(after, limit, wait_secs)
        following = page[-1].number if page else after
        return json_answer(orjson.dumps({"events": [_view(event) for event in page], "next": following}))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Stream events as they come, until the client goes, its token ends, or the daemon stops.

        Comments show that it lives.
        """
        self._admit()
        async with aclosing(self._feed.follow(_resume_at(request), _STREAM_PAGE, self._heartbeat_secs)) as pages:
            first = await anext(pages, ())
            stream = EventStream(request)
            try:
                await stream.start()
                await stream.send(_lines(first) or _HEARTBEAT)
                async for page in pages:
                    if not await still_admitted(request):
                        break
                    await stream.send(_lines(page) or _HEARTBEAT)
            except (ConnectionError, TimeoutError, Unavailable):
                # The client has gone, or is to come again with the number of what it has: nothing is lost by an end.
                pass
            return stream.response

    def _admit(self) -> None:
        if self._feed.readers >= MAX_READERS:
            error = f"{MAX_READERS} readers of events are connected already"
            raise Refusal(429, "too_many_readers", error, _READERS_RETRY_SECS)


def _resume_at(request: web.Request) -> int:
    last = request.headers.get("Last-Event-ID", "")
    if not last:
        return query_number(request, "after", 0, 0, MAX_NUMBER)
    if not (_NUMBER.fullmatch(last) and int(last) <= MAX_NUMBER):
        raise InvalidInput("Last-Event-ID must be the number of an event")
    return int(last)


def _lines(page: Sequence[NumberedEvent]) -> bytes:
    return b"".join(
        b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.type.encode(), one_line(orjson.dumps(_view(event))))
        for event in page
    )


def _view(event: NumberedEvent) -> dict[str, object]:
    view: dict[str, object] = {"number": event.number, "id": str(event.id), "type": event.type}
    if event.invoice_id is not None:
        view["invoice_id"] = str(event.invoice_id)
    if event.sequence is not None:
        view["sequence"] = event.sequence
    view["created_at"] = unix_seconds(event.created_at)
    view["data"] = orjson.Fragment(event.body)
    return view
