"""The main job on a local chain: block to webhook, catching up, deliveries. Needs the TVM of `harvester[dev]`."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

import aiohttp

from benchmarks.daemon import TOKEN, Daemon, running_daemon
from benchmarks.receiver import Receiver, running_receiver
from benchmarks.report import Line
from harvester_ton.devnet.accounts import raw_address
from harvester_ton.devnet.local import LocalTon, Payment

_AMOUNT_NANO = 50_000_000
_BURST = 50
_BLOCK_SECS = 0.4


@asynccontextmanager
async def shop(uri: str, ton: LocalTon, receiver: Receiver, **settings: str) -> AsyncIterator[Daemon]:
    """Run the daemon for the chain's merchant, with these further settings."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump(ton.network_config(), config)
        config.flush()
        settings |= {
            "NETWORK_CONFIG": config.name,
            "RECIPIENT": raw_address(ton.wallet("merchant").address),
            "WEBHOOK_ENDPOINT": receiver.url,
        }
        async with running_daemon(uri, settings) as daemon:
            yield daemon


async def create_invoices(daemon: Daemon, count: int) -> list[str]:
    """Create `count` invoices over the API and return their ids."""
    draft = {
        "amount": str(_AMOUNT_NANO),
        "currency": "TON",
        "life_time": 86_400,
        "metadata": {"merchant_name": "benchmark"},
    }
    gate = asyncio.Semaphore(32)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as http:

        async def create() -> str:
            url = f"http://127.0.0.1:{daemon.port}/tonpay/private/api/v1/invoice"
            async with gate, http.post(url, json=draft) as answer:
                return str((await answer.json())["id"])

        return await asyncio.gather(*(create() for _ in range(count)))


async def measure_detection(uri: str, scale: float) -> list[Line]:
    """From the block at the lite server to the webhook at the merchant."""
    async with LocalTon() as ton, running_receiver() as receiver, shop(uri, ton, receiver) as daemon:
        await settle_in(ton, receiver, daemon)
        single = await one_by_one(ton, receiver, daemon, max(10, int(54 * scale)))
        bursts = await _bursts(ton, receiver, daemon, max(3, int(8 * scale)))
    single.sort()
    return [
        Line("block to webhook, one by one: median", median(single), "s", "lower", f"{len(single)} payments"),
        Line("block to webhook, one by one: p99", single[int(len(single) * 0.99)], "s", "lower"),
        Line("block to webhook, bursts of 50: last", median(bursts), "s", "lower", f"{len(bursts)} bursts"),
    ]


async def settle_in(ton: LocalTon, receiver: Receiver, daemon: Daemon) -> None:
    """Wait until a first payment has come through."""
    first = await create_invoices(daemon, 1)
    await ton.pay(ton.wallet("merchant").address, _AMOUNT_NANO, text=first[0])
    await receiver.wait_for(first, "paid")


async def one_by_one(ton: LocalTon, receiver: Receiver, daemon: Daemon, count: int) -> list[float]:
    """Return, for `count` payments, the seconds from block to webhook."""
    merchant = ton.wallet("merchant").address
    delays = []
    for invoice_id in await create_invoices(daemon, count):
        await ton.pay(merchant, _AMOUNT_NANO, text=invoice_id)
        available = time.perf_counter()
        (arrived,) = await receiver.wait_for([invoice_id], "paid")
        delays.append(arrived - available)
        await asyncio.sleep(_BLOCK_SECS)
    return delays


async def _bursts(ton: LocalTon, receiver: Receiver, daemon: Daemon, count: int) -> list[float]:
    merchant = ton.wallet("merchant").address
    delays = []
    for _ in range(count):
        ids = await create_invoices(daemon, _BURST)
        await ton.burst([Payment(merchant, _AMOUNT_NANO, text=invoice_id) for invoice_id in ids])
        available = time.perf_counter()
        delays.append(max(await receiver.wait_for(ids, "paid")) - available)
    return delays


async def measure_catch_up(uri: str, scale: float) -> list[Line]:
    """A daemon that was away while a long history grew, half of it payments of its invoices."""
    count = int(20_000 * scale)
    async with LocalTon() as ton, running_receiver() as receiver:
        async with shop(uri, ton, receiver) as daemon:
            await settle_in(ton, receiver, daemon)
            ids = await create_invoices(daemon, 1_000)
        merchant = ton.wallet("merchant").address
        texts = [ids[number] if number < len(ids) else f"order {number}" for number in range(count)]
        await ton.burst([Payment(merchant, _AMOUNT_NANO, text=text) for text in texts], per_block=500)
        await ton.produce_block()
        async with shop(uri, ton, receiver) as daemon:
            seconds, rss_mb = await until_caught_up(daemon)
            await receiver.wait_for(ids, "paid")
    return [
        Line("catch-up", count / seconds, "/s", note=f"{count:,} transactions, {len(ids):,} invoices settled"),
        Line("catch-up: resident memory", rss_mb, "MB", "lower", "the most that was seen"),
    ]


async def until_caught_up(daemon: Daemon) -> tuple[float, float]:
    """Return the seconds until the daemon is ready, and the most memory that was seen, in MB."""
    started, rss_mb = time.perf_counter(), 0.0
    async with aiohttp.ClientSession() as http, asyncio.timeout(300):
        while True:
            async with http.get(f"http://127.0.0.1:{daemon.port}/readyz") as answer:
                rss_mb = max(rss_mb, daemon.rss_mb())
                if answer.status == 200:
                    return time.perf_counter() - started, rss_mb
            await asyncio.sleep(0.05)


async def measure_deliveries(uri: str, scale: float) -> list[Line]:
    """How many webhooks a second reach a receiver that takes 200 ms, and one that takes no time."""
    lines = []
    for delay_secs, name, base in ((0.2, "200 ms", 3_000), (0.0, "no time", 6_000)):
        async with (
            running_receiver(delay_secs) as receiver,
            running_daemon(uri, {"WEBHOOK_ENDPOINT": receiver.url}) as daemon,
        ):
            ids = await create_invoices(daemon, int(base * scale))
            moments = await receiver.wait_for(ids, "waiting")
        rate = (len(moments) - 1) / (max(moments) - min(moments))
        note = f"{len(ids):,}, while they are created"
        lines.append(Line(f"deliveries, receiver takes {name}", rate, "/s", note=note))
    return lines
