"""A real HTTP receiver of webhooks, which does to them what a test asks for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from harvester_demo.loopback import serving

WAIT_SECS = 20.0
"""Only a test that fails waits so long."""


@dataclass(frozen=True)
class Received:
    """One request, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer: tuple[str, int]
    """Address and port of the other end: the same for requests over one connection."""


Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """Collects requests. `behaviour` answers all of them; `script` is used up first, one entry for each request."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.behaviour: Behaviour = answer(200)
        self.script: list[Behaviour] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.port = 0
        self._changed = asyncio.Condition()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def bodies(self) -> list[str]:
        """The bodies received so far, in order."""
        return [request.body.decode() for request in self.received]

    async def wait_for(self, count: int) -> list[Received]:
        """Return the first `count` requests as soon as they are there."""
        async with asyncio.timeout(WAIT_SECS), self._changed:
            await self._changed.wait_for(lambda: len(self.received) >= count)
        return self.received[:count]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take a request, then do what the script or `behaviour` says."""
        body = await request.read()
        peer = request.transport.get_extra_info("peername") if request.transport else ("", 0)
        behaviour = self.script.pop(0) if self.script else self.behaviour
        async with self._changed:
            self.received.append(Received(request.method, request.path_qs, dict(request.headers), body, peer))
            self._changed.notify_all()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await behaviour(request)
        finally:
            self.in_flight -= 1


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Yield a receiver that listens on a free port of loopback."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    async with serving(app, shutdown_timeout=0, handler_cancellation=True) as receiver.port:
        yield receiver


def answer(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer at once. Header names are written with `_` for `-`."""

    async def behave(_request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=named)

    return behave


def redirect(location: str) -> Behaviour:
    """Send the client elsewhere."""
    return answer(307, Location=location)


def slow(seconds: float, then: Behaviour | None = None) -> Behaviour:
    """Take a while, as a receiver does that works before it answers."""

    async def behave(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await (then or answer(200))(request)

    return behave


def held(release: asyncio.Event, then: Behaviour | None = None) -> Behaviour:
    """Answer when `release` is set; an event that is never set is a receiver that never answers."""

    async def behave(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return await (then or answer(200))(request)

    return behave


def silent() -> Behaviour:
    """Never answer."""
    return held(asyncio.Event())


def reset() -> Behaviour:
    """Drop the connection."""

    async def behave(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    return behave


def raw(data: bytes) -> Behaviour:
    """Write bytes that need not be HTTP, and close."""

    async def behave(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.write(data)
            request.transport.close()
        return web.Response()

    return behave
