"""One soak run: rounds of orders and payments, in each of which the daemon is killed somewhere, and the audit."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import aiohttp
import asyncpg

from tests.conftest import with_database
from tests.e2e.backend import Backend
from tests.e2e.chain import Chain
from tests.e2e.daemon import Daemon
from tests.e2e.eventually import eventually
from tests.e2e.shop import TOKEN, Shop
from tests.soak.audit import Books, Verdict, audit
from tests.soak.buyers import Buyers
from tests.soak.points import POINTS, Fate, Point, Stage, kill
from tests.soak.traps import Place, Traps

MIGRATION: Final = "migration"
QUIET_SECS: Final = 60.0
"""How long all that is under way may take when nobody is killed any more."""
_ORDERS_A_ROUND: Final = 4
_PAST_THE_END_SECS: Final = 5
_MOST_COMMANDS: Final = 12
"""A migration is killed in one of its first commands that change the schema."""
_BUSY: Final = "SELECT count(*) FROM deliveries WHERE status = 'pending'"
_OPEN: Final = "SELECT count(*) FROM invoices WHERE status = 'waiting' AND expires_at < to_timestamp($1)"
_BOOKED: Final = "SELECT count(*) FROM payments WHERE class <> 'ignored'"

Report = Callable[[int, str], None]
"""Is told each round's number and point."""


@dataclass(frozen=True)
class World:
    """A database, a daemon on it, and a backend that it tells."""

    uri: str
    daemon: Daemon
    backend: Backend
    traps: Traps
    shop: Shop


@asynccontextmanager
async def open_world(postgres_uri: str, chain: Chain, folder: Path) -> AsyncIterator[World]:
    """Yield a world with an empty database, not even migrated, and a daemon that was never started."""
    name = f"soak_{uuid4().hex}"
    await _execute(postgres_uri, f"CREATE DATABASE {name} TEMPLATE template0")
    uri = with_database(postgres_uri, name)
    await asyncio.to_thread(folder.mkdir)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_execute, postgres_uri, f"DROP DATABASE {name} WITH (FORCE)")
        backend = await stack.enter_async_context(Backend.open())
        told = {"WEBHOOK_ENDPOINT": backend.url, "WEBHOOK_SECRET": backend.secret}
        daemon = Daemon(chain.settings | {"POSTGRES_URI": uri, "TOKEN": TOKEN, "LOG_LEVEL": "WARN"} | told, folder)
        stack.push_async_callback(daemon.kill)
        traps = await stack.enter_async_context(Traps.open(uri))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        session = await stack.enter_async_context(aiohttp.ClientSession(daemon.url, headers=headers))
        yield World(uri, daemon, backend, traps, Shop(session))


class Soak:
    """The rounds of one run."""

    def __init__(self, postgres_uri: str, chain: Chain, folder: Path, chance: random.Random) -> None:
        self._postgres_uri = postgres_uri
        self._chain = chain
        self._folder = folder
        self._chance = chance
        self._buyers = Buyers(chain, chance)

    async def run(self, rounds: int, report: Report) -> Verdict:
        """Kill a daemon `rounds` times, then let it come to rest, and return what the audit found."""
        before = await self._chain.received()
        async with open_world(self._postgres_uri, self._chain, self._folder / "main") as world:
            await world.daemon.start_ready()
            await world.traps.install()
            for number, point in enumerate(self._points(rounds), start=1):
                report(number, MIGRATION if point is None else point.name)
                if point is None:
                    await self._migrate(self._folder / f"migration-{number}")
                else:
                    await self._round(world, point)
            await self._rest(world)
            after = await self._chain.received()
            received = {asset: amount - before.get(asset, 0) for asset, amount in after.items()}
            verdict = audit(rounds, await _read(world.uri), self._buyers, received, world.backend)
        audit_log(verdict, world.daemon)
        return verdict

    def _points(self, rounds: int) -> Sequence[Point | None]:
        """Return each point equally often, in random order; None is the migration."""
        points: list[Point | None] = []
        while len(points) < rounds:
            points += self._chance.sample((*POINTS, None), len(POINTS) + 1)
        return points[:rounds]

    async def _round(self, world: World, point: Point) -> None:
        async def create() -> None:
            await world.shop.create("TON", 1)

        await self._buyers.order(world.shop, _ORDERS_A_ROUND)
        stage = Stage(
            world.daemon, world.backend, world.traps, self._chance, self._buyers.pay, self._buyers.pay_much, create
        )
        await point.strike(stage)
        await world.daemon.start()
        await world.daemon.until_readiness(lambda _status, body: _serves(body))

    async def _migrate(self, folder: Path) -> None:
        """Kill a daemon while it migrates a database of its own; the next one must bring that to work."""
        async with open_world(self._postgres_uri, self._chain, folder) as world:
            await world.traps.install_in_schema()
            async with world.traps.set(Place.SCHEMA) as trap:
                await world.daemon.start()
                for _ in range(self._chance.randrange(_MOST_COMMANDS)):
                    await trap.caught()
                    await trap.open()
                    await trap.close()
                await kill(world.daemon, trap, self._chance.choice(list(Fate)))
            await world.daemon.start_ready()
            known = len(self._buyers.orders)
            await self._buyers.order(world.shop, 1)
            # Settled here, it is nobody's in the main world, where all payments to the same wallet are seen as well.
            (order,) = self._buyers.orders[known:]
            del self._buyers.orders[known:]
            await self._buyers.pay()
            await eventually(lambda: _is(world, order.invoice_id, order.received), f"{order} after a killed migration")

    async def _rest(self, world: World) -> None:
        """Let the short-lived invoices end, and wait until nothing is under way."""
        seconds = self._buyers.last_end - await self._chain.now() + _PAST_THE_END_SECS
        await self._chain.advance(max(0, seconds))
        connection = await asyncpg.connect(world.uri)

        async def at_rest() -> bool:
            open_count = await connection.fetchval(_OPEN, self._buyers.last_end + 1)
            booked = await connection.fetchval(_BOOKED)
            pending = await connection.fetchval(_BUSY)
            return bool(not open_count and not pending and booked >= len(self._buyers.paid))

        try:
            with suppress(AssertionError):  # the audit says what is missing
                await eventually(at_rest, "at rest", QUIET_SECS)
        finally:
            await connection.close()


def _serves(readiness: dict[str, object]) -> bool:
    """Whether only the chain is missing, if anything."""
    return not any(what in str(readiness["reasons"]) for what in ("start:", "database"))


async def _is(world: World, invoice_id: str, received: int) -> bool:
    invoice = await world.shop.get(invoice_id)
    return int(invoice["overpayment"]) + (int(invoice["amount"]) if invoice["status"] == "paid" else 0) == received


def audit_log(verdict: Verdict, daemon: Daemon) -> None:
    """Find what a daemon should not have logged."""
    for line in daemon.log.splitlines():
        if '"critical"' in line or not line.startswith("{"):
            verdict.findings.append(f"the daemon's log: {line}")


async def _read(uri: str) -> Books:
    connection = await asyncpg.connect(uri)
    try:
        return await Books.read(connection)
    finally:
        await connection.close()


async def _execute(uri: str, sql: str) -> None:
    connection = await asyncpg.connect(uri)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
