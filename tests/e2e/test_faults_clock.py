"""Time that goes wrong: a host's clock that is an hour off, and a chain that stands still."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aiohttp
import pytest
import structlog
from structlog.testing import capture_logs

from harvester.app import run_daemon
from harvester.chain import load_plugins
from harvester.config.configuration import configure
from harvester.config.settings import DaemonSettings
from harvester.config.variables import Variables
from harvester.notify import Notifier
from harvester_ton.devnet.local import LocalTon, Payment
from harvester_ton.devnet.tvm import tvm_available
from tests.clock import ManualClock
from tests.e2e.backend import Backend
from tests.e2e.daemon import free_port
from tests.e2e.eventually import eventually
from tests.e2e.shop import TOKEN, Shop
from tests.ton.watching import environ

pytestmark = [pytest.mark.chain, pytest.mark.skipif(not tvm_available(), reason="there is no TVM for this platform")]

AMOUNT = 5_000_000
HOUR_SECS = 3600
Log = list[structlog.typing.EventDict]


class WrongClock(ManualClock):
    """The time of day, and how far it is off."""

    def __init__(self, off_secs: float = 0) -> None:
        super().__init__()
        self.off = timedelta(seconds=off_secs)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.off


@dataclass
class Host:
    """A daemon in this process, whose clock is ours, and a chain whose blocks are."""

    ton: LocalTon
    shop: Shop
    backend: Backend
    clock: WrongClock
    http: aiohttp.ClientSession
    registry: Any
    log: Log

    async def pay(self, invoice: dict[str, Any]) -> int:
        """Pay an invoice by its id; return the chain's time."""
        paid = await self.ton.pay(invoice["pay_to_address"], int(invoice["amount"]), text=invoice["id"])
        return paid.transactions[-1].utime

    async def pay_while_stopped(self, invoice: dict[str, Any]) -> int:
        """Pay an invoice in one block that is made now; return the chain's time."""
        self.ton.submit([Payment(invoice["pay_to_address"], int(invoice["amount"]), text=invoice["id"])])
        return int((await self.ton.produce_block()).shard.gen_utime)

    async def has(self, invoice: dict[str, Any], status: str) -> bool:
        """Whether the invoice is in this state."""
        return bool((await self.shop.get(invoice["id"]))["status"] == status)

    async def was_refused(self) -> bool:
        """Whether the backend took a signature for a wrong one."""
        return bool(self.backend.refused)

    async def listens(self) -> bool:
        """Whether the API answers."""
        try:
            return (await self.readiness())[0] in {200, 503}
        except aiohttp.ClientError:
            return False

    async def readiness(self) -> tuple[int, dict[str, Any]]:
        """Status and body of `/readyz`."""
        async with self.http.get("/readyz") as answer:
            return answer.status, await answer.json()

    async def until_ready(self, ready: bool, reason: str = "") -> dict[str, Any]:
        """Wait until `/readyz` and the metric say so; return the body."""

        async def said() -> bool:
            status, body = await self.readiness()
            return (status == 200) is ready and reason in str(body) and self.metric("harvester_ready") == ready

        await eventually(said, f"ready: {ready} {reason}")
        return (await self.readiness())[1]

    def metric(self, name: str, **labels: str) -> float | None:
        """Value of a metric."""
        value: float | None = self.registry.get_sample_value(name, labels)
        return value

    async def is_head_age(self, secs: float) -> bool:
        """Whether the newest block looks about so old."""
        return self.metric("harvester_chain_head_age_seconds", chain="ton") == pytest.approx(secs, abs=10)

    def complaints(self, text: str) -> int:
        """How many warnings hold the text."""
        return sum(text in str(line["event"]) for line in self.log if line["log_level"] == "warning")


@asynccontextmanager
async def host(database_uri: str, off_secs: float = 0) -> AsyncIterator[Host]:
    """Yield a daemon on a chain of its own."""
    clock, stop, port = WrongClock(off_secs), asyncio.Event(), free_port()
    async with LocalTon(jettons={}, block_seconds=0.1) as ton, Backend.open() as backend:
        settings = {
            "TOKEN": TOKEN,
            "POSTGRES_URI": database_uri,
            "WEBHOOK_ENDPOINT": backend.url,
            "WEBHOOK_SECRET": backend.secret,
            "PORT": str(port),
            "METRICS": "off",
        }
        configuration = configure(DaemonSettings, Variables(environ(ton) | settings), load_plugins(), clock)
        with capture_logs() as log:
            daemon = asyncio.create_task(run_daemon(configuration, clock, Notifier(None), stop), name="daemon")
            url, bearer = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {TOKEN}"}
            try:
                async with aiohttp.ClientSession(url, headers=bearer) as http:
                    opened = Host(ton, Shop(http), backend, clock, http, configuration.registry, log)
                    await eventually(opened.listens, "it listens")
                    yield opened
            finally:
                stop.set()
                await daemon


@pytest.mark.parametrize(
    ("off_secs", "says"), [(HOUR_SECS, "clock is ahead"), (-HOUR_SECS, "clock is behind")], ids=["ahead", "behind"]
)
async def test_a_clock_that_is_an_hour_off_is_told_and_credits_by_the_chain(
    database_uri: str, off_secs: int, says: str
) -> None:
    async with host(database_uri, off_secs) as world:
        await world.until_ready(off_secs < 0, says)
        invoice = await world.shop.create("TON", AMOUNT, 2 * HOUR_SECS)
        paid_at = await world.pay(invoice)
        await eventually(partial(world.has, invoice, "paid"), "it is paid")
        assert (await world.shop.get(invoice["id"]))["paid_at"] == paid_at
        await eventually(partial(world.is_head_age, off_secs), "the metric shows it")
        assert world.complaints("clock of this host is behind") == (off_secs < 0)


async def test_webhooks_that_are_refused_for_a_wrong_clock_arrive_when_it_is_right(database_uri: str) -> None:
    """Receivers take no signature that is an hour old."""
    async with host(database_uri, -HOUR_SECS) as world:
        await world.until_ready(True)
        invoice = await world.shop.create("TON", AMOUNT, 2 * HOUR_SECS)
        await eventually(world.was_refused, "the first attempt is refused")
        await world.pay(invoice)
        world.clock.off = timedelta(0)
        await world.backend.event(invoice["id"], "paid")
        assert world.backend.statuses(invoice["id"]) == ["waiting", "paid"]
        await world.until_ready(True)


async def test_without_new_blocks_nothing_expires_and_that_is_told_once(database_uri: str) -> None:
    async with host(database_uri) as world:
        await world.until_ready(True)
        paid, forgotten = [await world.shop.create("TON", AMOUNT, 30) for _ in range(2)]
        await world.ton.stop_blocks()
        world.clock.off = timedelta(minutes=10)
        await world.until_ready(False, "the newest block is of")
        await asyncio.sleep(1)  # nothing must happen in it
        assert await world.has(paid, "waiting")
        assert await world.has(forgotten, "waiting")
        await eventually(partial(world.is_head_age, 600), "the metric shows it")
        assert world.complaints("not ready any more") == 1

        paid_at = await world.pay_while_stopped(paid)
        world.ton.advance(600)
        world.ton.start_blocks()
        await eventually(partial(world.has, forgotten, "expired"), "the chain has come past its end")
        await eventually(partial(world.has, paid, "paid"), "it was paid in time")
        assert (await world.shop.get(paid["id"]))["paid_at"] == paid_at < paid["expire_at"]
        await world.until_ready(True)
