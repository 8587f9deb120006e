"""The live state of one invoice as a stream (SSE), for whoever knows its id; bounded, because anybody may ask."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Final

from aiohttp import web

from harvester.api.answers import Refusal
from harvester.api.paths import INVOICE_ID, PUBLIC
from harvester.api.sse import EventStream, one_line
from harvester.api.visitors import Visitors
from harvester.domain.egress import Network
from harvester.domain.errors import NotFound, Unavailable
from harvester.domain.identifiers import parse_invoice_id
from harvester.domain.invoice import Invoice
from harvester.services.chains import Chains
from harvester.services.invoice_news import InvoiceNews
from harvester.services.rendering import public_json

MAX_READERS: Final = 512
MAX_READERS_PER_VISITOR: Final = 16
HEARTBEAT_SECS: Final = 15.0
_RETRY_AFTER_SECS: Final = 30
_NO_SEAT: Final = "too many readers: ask again later, or read the invoice now and then"
_HEARTBEAT: Final = b"event: ping\ndata\n\n"
"""An event, not a comment: a script can tell by it that the connection lives."""


class Seats:
    """How many may read at the same time: in all, and for one visitor."""

    def __init__(self, in_all: int = MAX_READERS, per_visitor: int = MAX_READERS_PER_VISITOR) -> None:
        self._in_all = in_all
        self._per_visitor = per_visitor
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def seat(self, visitor: Hashable) -> Iterator[bool]:
        """Hold a seat inside the block, and say whether there was one. None: whoever cannot be told apart."""
        crowded = visitor is not None and self._taken[visitor] >= self._per_visitor
        free = self._taken.total() < self._in_all and not crowded
        self._taken[visitor] += free
        try:
            yield free
        finally:
            self._taken[visitor] -= free
            if not self._taken[visitor]:
                del self._taken[visitor]


class InvoiceStreamRoutes:
    """Streams the public invoice, at first and at each change, until it is in a final state."""

    def __init__(
        self, news: InvoiceNews, chains: Chains, seats: Seats | None = None, heartbeat_secs: float = HEARTBEAT_SECS
    ) -> None:
        self._news = news
        self._chains = chains
        self._seats = seats or Seats()
        self._heartbeat_secs = heartbeat_secs

    def routes(self, visitors: Visitors) -> Sequence[web.RouteDef]:
        """Return the routes; `visitors` says whom a request counts for."""

        async def stream(request: web.Request) -> web.StreamResponse:
            return await self.stream(request, visitors.visitor(request))

        return [web.get(f"{PUBLIC}/invoices/{INVOICE_ID}/stream", stream, allow_head=False)]

    async def stream(self, request: web.Request, visitor: Network | None) -> web.StreamResponse:
        """Stream one invoice, if there is a seat. None: nobody knows who the visitor is."""
        with self._seats.seat(visitor) as admitted:
            if not admitted:
                raise Refusal(429, "too_many_readers", _NO_SEAT, _RETRY_AFTER_SECS)
            return await self._stream(request)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        invoice_id = parse_invoice_id(request.match_info["id"])
        async with aclosing(self._news.follow(invoice_id, self._heartbeat_secs)) as news:
            first = await anext(news, None)  # what is wrong with the request is answered, not streamed
            stream = EventStream(request)
            try:
                await stream.start()
                await stream.send(self._event(first))
                async for invoice in news:
                    await stream.send(self._event(invoice))
            except (ConnectionError, TimeoutError, NotFound, Unavailable):
                pass  # the reader has gone, or comes again and is answered what is wrong
            return stream.response

    def _event(self, invoice: Invoice | None) -> bytes:
        if invoice is None:
            return _HEARTBEAT
        return b"data: %b\n\n" % one_line(public_json(invoice, self._chains.payment_request(invoice)))
