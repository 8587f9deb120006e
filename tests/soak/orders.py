"""Orders, claims and money of Tari at processes that are killed: the desk's transactions, wherever it may hurt."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from harvester.chain.desk import Wallet
from harvester.clock import utc_now
from harvester.storage import wallets
from tests.conftest import new_database
from tests.e2e.backend import Backend
from tests.e2e.daemon import Daemon
from tests.e2e.eventually import eventually
from tests.e2e.tari_shop import HOST, settings
from tests.shopify.admin_server import admin_server
from tests.soak.audit import Verdict
from tests.soak.customers import Customers
from tests.soak.order_audit import CHAIN, audit_orders
from tests.soak.points import Fate, kill
from tests.soak.run import audit_log
from tests.soak.traps import Place, Traps
from tests.tari.stories.storefront import shop_settings

QUIET_SECS: Final = 60.0
"""How long all that is under way may take when nobody is killed any more."""
_CUSTOMERS_A_ROUND: Final = 4
_BUSY: Final = "SELECT count(*) FROM deliveries WHERE status = 'pending'"


@dataclass(frozen=True)
class OrderPoint:
    """Where a process dies, and what becomes of what it was doing."""

    name: str
    place: Place
    fate: Fate


POINTS: Final = (
    OrderPoint("order placed, nobody told", Place.CREATION, Fate.LOST),
    OrderPoint("order placed, not answered", Place.CREATION, Fate.UNHEARD),
    OrderPoint("nonce taken", Place.BADGE, Fate.LOST),
    OrderPoint("payment written", Place.PAYMENTS, Fate.LEFT),
    OrderPoint("payment committed, not answered", Place.COMMIT, Fate.UNHEARD),
    OrderPoint("payment's commit lost", Place.COMMIT, Fate.LOST),
    OrderPoint("confirmation written", Place.CONFIRMATION, Fate.LOST),
    OrderPoint("credit entered", Place.ENTRY, Fate.LEFT),
    OrderPoint("order settled, events not written", Place.INVOICES, Fate.LOST),
    OrderPoint("payer linked", Place.LINK, Fate.LOST),
    OrderPoint("events written", Place.EVENTS, Fate.LEFT),
    OrderPoint("credit committed, not answered", Place.ENTRY_COMMIT, Fate.UNHEARD),
    OrderPoint("credit's commit begun and finished by the server", Place.ENTRY_COMMIT, Fate.LEFT),
    OrderPoint("webhook claimed, not sent", Place.CLAIM, Fate.UNHEARD),
    OrderPoint("webhook or capture done, outcome lost", Place.OUTCOME, Fate.LOST),
)


@dataclass(frozen=True)
class Desks:
    """Processes on one database, and everybody who comes to them."""

    daemons: Sequence[Daemon]
    backend: Backend
    customers: Customers
    connection: asyncpg.Connection
    traps: Traps

    async def rest(self) -> None:
        """Wait until nothing is under way."""

        async def at_rest() -> bool:
            return not await self.connection.fetchval(_BUSY)

        with suppress(AssertionError):  # the audit says what is missing
            await eventually(at_rest, "at rest", QUIET_SECS)

    async def audit(self, rounds: int) -> Verdict:
        """Return what is wrong."""
        verdict = await audit_orders(rounds, self.connection, self.customers, self.backend)
        for daemon in self.daemons:
            audit_log(verdict, daemon)
        return verdict


@asynccontextmanager
async def open_desks(postgres_uri: str, folder: Path, chance: random.Random, count: int) -> AsyncIterator[Desks]:
    """Yield so many processes, ready, on a database of their own, with traps that are not set."""
    async with AsyncExitStack() as stack:
        uri = await stack.enter_async_context(new_database(postgres_uri))
        backend = await stack.enter_async_context(Backend.open())
        admin = await stack.enter_async_context(admin_server())
        daemons = []
        for number in range(count):
            (own := folder / str(number)).mkdir()
            daemons.append(Daemon({}, own))
            stack.push_async_callback(daemons[-1].kill)
        urls = [daemon.url for daemon in daemons]
        customers = await stack.enter_async_context(Customers.open(urls, admin, chance))
        told = {"WEBHOOK_ENDPOINT": backend.url, "WEBHOOK_SECRET": backend.secret, "LOG_LEVEL": "WARN"}
        for daemon in daemons:
            daemon.settings.update(settings(uri, customers.wallets[0].hot, **shop_settings(admin), **told))
            daemon.settings["PUBLIC_RATE"] = "100000"
        connection = await asyncpg.connect(uri)
        stack.push_async_callback(connection.close)
        for wallet in customers.wallets:
            await wallets.add(connection, Wallet(CHAIN, wallet.hot.payer, HOST, 0), utc_now())
        traps = await stack.enter_async_context(Traps.open(uri))
        await traps.install()
        await asyncio.gather(*(daemon.start_ready() for daemon in daemons))
        yield Desks(daemons, backend, customers, connection, traps)


async def soak_orders(
    postgres_uri: str, folder: Path, chance: random.Random, rounds: int, report: Callable[[int, str], None]
) -> Verdict:
    """Kill a process in each of `rounds`, while customers come and go; return what the audit found."""
    async with open_desks(postgres_uri, folder, chance, 1) as desks:
        points: list[OrderPoint] = []
        while len(points) < rounds:
            points += chance.sample(POINTS, len(POINTS))
        for number, point in enumerate(points[:rounds], start=1):
            report(number, point.name)
            await _round(desks, point)
        await desks.rest()
        return await desks.audit(rounds)


async def _round(desks: Desks, point: OrderPoint) -> None:
    """Let customers come, who repeat what is not answered; kill the process when it comes to the point."""
    (daemon,) = desks.daemons
    async with asyncio.TaskGroup() as group:
        async with desks.traps.set(point.place) as trap:
            group.create_task(desks.customers.visit(_CUSTOMERS_A_ROUND), name="customers")
            await kill(daemon, trap, point.fate)
        await daemon.start_ready()
