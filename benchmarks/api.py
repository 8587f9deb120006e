"""Create, get, list and cancel over HTTP, at the original's concurrency, beside what the machine could do at best."""

import json

import aiohttp

from benchmarks.daemon import TOKEN, Daemon, running_daemon
from benchmarks.limits import bare_server, commits_per_second
from benchmarks.load import Load, closed_loop, http_request
from benchmarks.report import Line

CLIENTS = 64
LIST_CLIENTS = 8
_PRIVATE = "/tonpay/private/api/v1"
_DRAFT = json.dumps(
    {
        "amount": "1500000000",
        "currency": "TON",
        "life_time": 3_000_000,
        "private_info": {"order_number": 123},
        "metadata": {"merchant_name": "Coffee shop", "mcc_code": 5462, "goods": [{"name": "Latte 300ml"}]},
    }
).encode()


async def measure_api(uri: str, scale: float) -> list[Line]:
    """Measure the API on the database at `uri`; `scale` multiplies the numbers of requests."""
    async with bare_server() as port:
        bare = await closed_loop(port, lambda _: http_request("GET", "/"), CLIENTS, int(20_000 * scale))
    lines = [
        Line("bare aiohttp handler, 64 clients", bare.per_second, "/s", note="limit of one process"),
        Line("database commits, 16 clients", await commits_per_second(uri, 16), "/s", note="limit of the disk"),
        Line("database commits, 64 clients", await commits_per_second(uri, 64), "/s", note="limit of the disk"),
    ]
    async with running_daemon(uri, {}) as daemon:
        lines += [
            await measure(daemon, scale) for measure in (_create, _create_once, _get, _list_20, _list_100, _cancel)
        ]
    return lines


async def _create(daemon: Daemon, scale: float) -> Line:
    request = http_request("POST", f"{_PRIVATE}/invoice", TOKEN, _DRAFT)
    before = daemon.cpu_secs()
    load = await closed_loop(daemon.port, lambda _: request, CLIENTS, int(15_000 * scale))
    return _line("create, 64 clients", load, daemon.cpu_secs() - before)


async def _create_once(daemon: Daemon, scale: float) -> Line:
    before = daemon.cpu_secs()
    load = await closed_loop(
        daemon.port,
        lambda number: http_request("POST", f"{_PRIVATE}/invoice", TOKEN, _DRAFT, f"order-{number}"),
        CLIENTS,
        int(15_000 * scale),
    )
    return _line("create with a key, 64 clients", load, daemon.cpu_secs() - before)


async def _get(daemon: Daemon, scale: float) -> Line:
    ids = await _ids(daemon, 1_000)
    requests = [http_request("GET", f"/tonpay/public/api/v1/invoices/{invoice_id}") for invoice_id in ids]
    before = daemon.cpu_secs()
    load = await closed_loop(daemon.port, lambda number: requests[number % len(requests)], CLIENTS, int(25_000 * scale))
    return _line("get, 64 clients", load, daemon.cpu_secs() - before)


async def _list_20(daemon: Daemon, scale: float) -> Line:
    return await _list(daemon, 20, int(6_000 * scale))


async def _list_100(daemon: Daemon, scale: float) -> Line:
    return await _list(daemon, 100, int(3_000 * scale))


async def _list(daemon: Daemon, limit: int, count: int) -> Line:
    request = http_request("GET", f"{_PRIVATE}/invoices?limit={limit}", TOKEN)
    before = daemon.cpu_secs()
    load = await closed_loop(daemon.port, lambda _: request, LIST_CLIENTS, count)
    return _line(f"list {limit}", load, daemon.cpu_secs() - before)


async def _cancel(daemon: Daemon, scale: float) -> Line:
    ids = await _ids(daemon, int(5_000 * scale))
    requests = [http_request("POST", f"{_PRIVATE}/invoices/{invoice_id}/cancel", TOKEN) for invoice_id in ids]
    before = daemon.cpu_secs()
    load = await closed_loop(daemon.port, lambda number: requests[number], CLIENTS, len(requests))
    return _line("cancel, 64 clients", load, daemon.cpu_secs() - before)


async def _ids(daemon: Daemon, count: int) -> list[str]:
    ids: list[str] = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        while len(ids) < count:
            after = f"&after={ids[-1]}" if ids else ""
            async with http.get(f"http://127.0.0.1:{daemon.port}{_PRIVATE}/invoices?limit=1000{after}") as answer:
                page = (await answer.json())["invoices"]
            if not page:
                break
            ids += [invoice["id"] for invoice in page]
    return ids[:count]


def _line(measure: str, load: Load, cpu_secs: float) -> Line:
    note = f"p99 {load.p99_secs * 1000:.0f} ms, {cpu_secs / load.requests * 1000:.2f} ms CPU each"
    return Line(measure, load.per_second, "/s", note=note)
