"""A merchant's backend that takes webhooks, after a time or at once, and remembers when each came."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from aiohttp import web

from harvester_demo.loopback import serving


class Receiver:
    """`url` is where it listens; `arrivals` has the moment of each invoice's webhook by (id, status)."""

    def __init__(self, delay_secs: float) -> None:
        self.url = ""
        self.arrivals: dict[tuple[str, str], float] = {}
        self._delay_secs = delay_secs
        self._news = asyncio.Condition()

    async def take(self, request: web.Request) -> web.Response:
        """Take one webhook."""
        arrived = time.perf_counter()
        invoice = json.loads(await request.read())
        if self._delay_secs:
            await asyncio.sleep(self._delay_secs)
        async with self._news:
            self.arrivals[invoice["id"], invoice["status"]] = arrived
            self._news.notify_all()
        return web.Response()

    async def wait_for(self, ids: Collection[str], status: str, timeout_secs: float = 300) -> list[float]:
        """Return when the webhook that says `status` has come for each of `ids`, and at what moments."""
        async with asyncio.timeout(timeout_secs), self._news:
            await self._news.wait_for(lambda: all((invoice_id, status) in self.arrivals for invoice_id in ids))
        return [self.arrivals[invoice_id, status] for invoice_id in ids]


@asynccontextmanager
async def running_receiver(delay_secs: float = 0.0) -> AsyncIterator[Receiver]:
    """Run a receiver on a free port."""
    receiver = Receiver(delay_secs)
    app = web.Application()
    app.router.add_post("/", receiver.take)
    async with serving(app) as port:
        receiver.url = f"http://127.0.0.1:{port}/"
        yield receiver
