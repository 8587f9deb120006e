"""What a dead endpoint costs the others: the delay of webhooks to a good one, alone and beside some that hang."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median, quantiles

import aiohttp

from benchmarks.daemon import TOKEN, Daemon, running_daemon
from benchmarks.receiver import Receiver, running_receiver
from benchmarks.report import Line

_CLIENTS = 4
_DRAFT = {"amount": "1", "currency": "TON", "life_time": 86_400, "metadata": {"merchant_name": "benchmark"}}
_PRIVATE = "/tonpay/private/api/v1"


@asynccontextmanager
async def hanging_server() -> AsyncIterator[str]:
    """Run a server that takes every connection and never answers; yield its URL."""
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _reader, writer: writers.append(writer), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for writer in writers:
            writer.close()


async def measure_endpoints(uri: str, scale: float) -> list[Line]:
    """Measure the delay from the request that makes an invoice to its webhook, with 0, 1 and 5 endpoints that hang."""
    settings = {"ROLE": "api,deliver", "WEBHOOK_ALLOW_HTTP": "on", "WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}
    lines = []
    async with (
        hanging_server() as hanging,
        running_receiver() as receiver,
        running_daemon(uri, settings | {"WEBHOOK_ENDPOINT": receiver.url}) as daemon,
        _http(daemon) as http,
    ):
        await _delays(http, receiver, 100)  # connections, plans and caches are warm now
        present = 0
        for wanted in (0, 1, 5):
            for number in range(present, wanted):
                await _post(http, "/endpoints", {"name": f"dead-{number}", "url": hanging})
            present = wanted
            delays = await _delays(http, receiver, int(1_000 * scale))
            lines += _lines(f"webhook delay, {wanted} endpoints hang", delays)
    return lines


@asynccontextmanager
async def _http(daemon: Daemon) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{daemon.port}", headers=headers) as http:
        async with asyncio.timeout(60):
            while not await _is_ready(http):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)
        yield http


async def _is_ready(http: aiohttp.ClientSession) -> bool:
    async with http.get("/readyz") as answer:
        return answer.status == 200


async def _delays(http: aiohttp.ClientSession, receiver: Receiver, count: int) -> list[float]:
    asked: dict[str, float] = {}

    async def client(requests: int) -> None:
        for _ in range(requests):
            started = time.perf_counter()
            asked[(await _post(http, "/invoice", _DRAFT))["id"]] = started

    await asyncio.gather(*(client(count // _CLIENTS) for _ in range(_CLIENTS)))
    arrived = await receiver.wait_for(asked, "waiting")
    return [arrival - started for arrival, started in zip(arrived, asked.values(), strict=True)]


async def _post(http: aiohttp.ClientSession, path: str, body: dict[str, object]) -> dict[str, str]:
    async with http.post(_PRIVATE + path, json=body) as answer:
        found: dict[str, str] = await answer.json()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {found}")
        return found


def _lines(name: str, delays: list[float]) -> list[Line]:
    note = f"{len(delays):,} invoices, {_CLIENTS} clients"
    return [
        Line(f"{name}: median", median(delays) * 1000, "ms", "lower", note),
        Line(f"{name}: p99", quantiles(delays, n=100)[98] * 1000, "ms", "lower"),
    ]
