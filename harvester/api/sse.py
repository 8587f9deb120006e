"""Server-sent events, written to a client that may be slow or gone."""

import asyncio
from typing import Final

from aiohttp import web

EVENT_STREAM: Final = "text/event-stream"
_RETRY_MS: Final = 2_000
_WRITE_SECS: Final = 30.0


class EventStream:
    """The answer to a request for a stream; nothing is sent before `start`.

    A client that loses it comes again after two seconds. `start` and `send` raise ConnectionError when the client has
    gone, and TimeoutError when it does not take what is sent.
    """

    def __init__(self, request: web.Request) -> None:
        headers = {
            "Content-Type": f"{EVENT_STREAM}; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
        self.response = web.StreamResponse(headers=headers)
        self._request = request

    async def start(self) -> None:
        """Send the head."""
        await self.response.prepare(self._request)
        await self.send(f"retry: {_RETRY_MS}\n\n".encode())

    async def send(self, data: bytes) -> None:
        """Send whole events."""
        async with asyncio.timeout(_WRITE_SECS):
            await self.response.write(data)


def one_line(json: bytes) -> bytes:
    """Return JSON on one line. In JSON, line ends are nothing but space; in a stream they would end the data."""
    return json.replace(b"\n", b" ").replace(b"\r", b" ")
