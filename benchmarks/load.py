"""A load generator that costs less than what it measures: closed-loop clients on raw keep-alive connections."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles
from typing import cast


@dataclass(frozen=True)
class Load:
    """What came of a run."""

    requests: int
    seconds: float
    median_secs: float
    p99_secs: float

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class Client(asyncio.Protocol):
    """One connection; sends the next request when the answer to the last is complete."""

    def __init__(self, next_request: Callable[[], bytes | None], expected_status: int, latencies: list[float]) -> None:
        self._next_request = next_request
        self._expected = str(expected_status).encode()
        self._latencies = latencies
        self._buffer = bytearray()
        self._sent_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Collect the answer, check its status, go on."""
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = bytes(self._buffer[:head_end]).lower()
        size = int(head.partition(b"content-length:")[2].partition(b"\r")[0])
        if len(self._buffer) < head_end + 4 + size:
            return
        if head[9:12] != self._expected:
            self.done.set_exception(RuntimeError(f"unexpected answer: {bytes(self._buffer[:300])!r}"))
            return
        self._latencies.append(time.perf_counter() - self._sent_at)
        self._buffer.clear()
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail unless all is done."""
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        request = self._next_request()
        if request is None:
            self.done.set_result(None)
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


async def closed_loop(
    port: int, make_request: Callable[[int], bytes], clients: int, requests: int, expected_status: int = 200
) -> Load:
    """Send `requests` requests to 127.0.0.1:`port` from `clients` connections, each waiting for its answer."""
    numbers = iter(range(requests))
    latencies: list[float] = []

    def next_request() -> bytes | None:
        number = next(numbers, None)
        return None if number is None else make_request(number)

    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    pairs = [
        await loop.create_connection(lambda: Client(next_request, expected_status, latencies), "127.0.0.1", port)
        for _ in range(clients)
    ]
    await asyncio.gather(*(client.done for _, client in pairs))
    seconds = time.perf_counter() - started
    for transport, _ in pairs:
        transport.close()
    marks = quantiles(latencies, n=100)
    return Load(len(latencies), seconds, marks[49], marks[98])


def http_request(method: str, path: str, token: str | None = None, body: bytes = b"", key: str | None = None) -> bytes:
    """Return an HTTP/1.1 request as bytes; `key` is for Idempotency-Key."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if key:
        lines.append(f"Idempotency-Key: {key}")
    return "\r\n".join([*lines, "", ""]).encode() + body
