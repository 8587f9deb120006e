"""Many processes on one database: who scans, who takes over and how soon, and that who was overtaken writes nothing.

Each process logs in as a user of its own, so that the database can tell who writes and who holds the lease.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from tests.conftest import new_database
from tests.e2e.backend import Backend
from tests.e2e.chain import Chain
from tests.e2e.daemon import Daemon
from tests.e2e.eventually import eventually
from tests.e2e.shop import TOKEN, Shop
from tests.soak.audit import Books, audit
from tests.soak.buyers import Buyers
from tests.soak.traps import Place, Traps

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]

TAKEOVER_SECS = 10.0
KILLS = 4
STANDING_BY = "standing by: another process scans"
_SETUP = """
CREATE VIEW holder AS
SELECT usename::text AS name FROM leases JOIN pg_stat_activity ON pid = session_pid AND backend_start = session_start
WHERE leases.name = 'chain:ton' AND expires_at > clock_timestamp();
CREATE TABLE intruders (writer text, holder text);
CREATE FUNCTION note_intruder() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO intruders SELECT current_user, name FROM holder WHERE name <> current_user;
    RETURN NULL;
END $$;
CREATE TRIGGER note_intruder AFTER INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION note_intruder();
CREATE TRIGGER note_intruder AFTER INSERT ON payments FOR EACH ROW EXECUTE FUNCTION note_intruder();
CREATE TRIGGER note_intruder AFTER INSERT OR UPDATE ON chain_notes FOR EACH ROW EXECUTE FUNCTION note_intruder();
"""


@dataclass
class Worker:
    """A process that scans and delivers."""

    user: str
    daemon: Daemon

    async def standing_by(self) -> None:
        """Wait until it says that it is ready, and that another one scans."""
        await self.daemon.until_readiness(lambda status, body: status == 200 and STANDING_BY in str(body["chains"]))


@dataclass
class Fleet:
    """Three workers, a process that only serves the API, and a shop that uses it."""

    workers: Sequence[Worker]
    shop: Shop
    backend: Backend
    buyers: Buyers
    connection: asyncpg.Connection
    traps: Traps

    async def holder(self) -> Worker | None:
        """Return who holds the lease of the chain."""
        user = await self.connection.fetchval("SELECT name FROM holder")
        return next((worker for worker in self.workers if worker.user == user), None)

    async def leader(self, but: Worker | None = None) -> Worker:
        """Wait, for at most TAKEOVER_SECS, until somebody `but` this one holds the lease, and return who."""
        found: list[Worker] = []

        async def held() -> bool:
            holder = await self.holder()
            found[:] = [holder] if holder is not None and holder is not but else []
            return bool(found)

        await eventually(held, "somebody leads", TAKEOVER_SECS)
        return found[0]

    async def buy(self) -> None:
        """Order and pay."""
        await self.buyers.order(self.shop, 3)
        await self.buyers.pay()

    async def booked(self) -> None:
        """Wait until everything that was paid is in the ledger and told."""

        async def done() -> bool:
            count = await self.connection.fetchval("SELECT count(*) FROM payments WHERE class <> 'ignored'")
            pending = await self.connection.fetchval("SELECT count(*) FROM deliveries WHERE status = 'pending'")
            return bool(count >= len(self.buyers.paid) and not pending)

        await eventually(done, "all is booked and told")


@asynccontextmanager
async def _users(postgres_uri: str, count: int) -> AsyncIterator[Sequence[str]]:
    """Yield the names of database users that may do anything."""
    names = [f"worker_{uuid4().hex}" for _ in range(count)]
    admin = await asyncpg.connect(postgres_uri)
    try:
        for name in names:
            await admin.execute(f"CREATE ROLE {name} SUPERUSER LOGIN")
        yield names
        for name in names:
            await admin.execute(f"DROP ROLE {name}")
    finally:
        await admin.close()


@pytest_asyncio.fixture(loop_scope="module")
async def fleet(chain: Chain, postgres_uri: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with AsyncExitStack() as stack:
        users = await stack.enter_async_context(_users(postgres_uri, 3))
        uri = await stack.enter_async_context(new_database(postgres_uri))
        backend = await stack.enter_async_context(Backend.open())
        told = {"TOKEN": TOKEN, "WEBHOOK_ENDPOINT": backend.url, "WEBHOOK_SECRET": backend.secret}
        workers = []
        for user in users:
            (folder := tmp_path / user).mkdir()
            settings = chain.settings | told | {"POSTGRES_URI": uri.replace("postgres:", f"{user}:", 1)}
            daemon = Daemon(settings | {"ROLE": "watch,deliver"}, folder)
            daemon.settings["METRICS"] = f"127.0.0.1:{daemon.port}"  # the API's port is free: it has no such role
            stack.push_async_callback(daemon.kill)
            workers.append(Worker(user, daemon))
        front = Daemon(chain.settings | {"TOKEN": TOKEN, "POSTGRES_URI": uri, "ROLE": "api"}, tmp_path)
        stack.push_async_callback(front.kill)
        connection = await asyncpg.connect(uri)
        stack.push_async_callback(connection.close)
        await connection.execute(_SETUP)
        traps = await stack.enter_async_context(Traps.open(uri))
        await traps.install()
        await asyncio.gather(*(worker.daemon.start_ready() for worker in workers))
        await front.start_ready()
        session = aiohttp.ClientSession(front.url, headers={"Authorization": f"Bearer {TOKEN}"})
        shop = Shop(await stack.enter_async_context(session))
        buyers = Buyers(chain, random.Random(), never=False)  # noqa: S311 - chances need not be secret
        before = await chain.received()
        yield Fleet(workers, shop, backend, buyers, connection, traps)
        after = await chain.received()
        received = {asset: after[asset] - before.get(asset, 0) for asset in after}
        assert audit(0, await Books.read(connection), buyers, received, backend).findings == []
        assert await connection.fetch("SELECT * FROM intruders") == []


async def test_one_process_scans_and_a_kill_hands_over_within_ten_seconds_under_load(fleet: Fleet) -> None:
    leader = await fleet.leader()
    for worker in fleet.workers:
        if worker is not leader:
            await worker.standing_by()
    over = asyncio.Event()

    async def load() -> None:
        while not over.is_set():
            await fleet.buy()

    async with asyncio.TaskGroup() as group:
        group.create_task(load())
        for number in range(KILLS):
            leader = await fleet.leader()
            victim = leader if number % 2 == 0 else fleet.buyers.chance.choice(fleet.workers)
            await asyncio.sleep(fleet.buyers.chance.uniform(0, 0.5))  # the moment of death is what varies
            await victim.daemon.kill()
            killed_at = time.monotonic()
            after = await fleet.leader(but=victim)
            assert time.monotonic() - killed_at < TAKEOVER_SECS
            await victim.daemon.start_ready()
            assert await fleet.holder() is after
        over.set()
    await fleet.booked()
    assert len(fleet.buyers.paid) > KILLS


@pytest.mark.parametrize("place", [None, Place.PAYMENTS], ids=["anywhere", "in a transaction"])
async def test_a_leader_that_sleeps_is_overtaken_and_writes_nothing_when_it_wakes_up(
    fleet: Fleet, place: Place | None
) -> None:
    """It falls asleep anywhere, or in the middle of a transaction whose locks the next leader needs."""
    sleeper = await fleet.leader()
    if place is None:
        sleeper.daemon.pause()
        await fleet.buy()
    else:
        async with fleet.traps.set(place) as trap:
            await fleet.buy()
            await trap.caught()
            sleeper.daemon.pause()
    after = await fleet.leader(but=sleeper)
    await fleet.booked()
    await fleet.buy()
    sleeper.daemon.go_on()
    await sleeper.standing_by()
    assert await fleet.holder() is after
    await fleet.buy()
    await fleet.booked()
    await after.daemon.kill()
    await fleet.leader(but=after)
    await fleet.buy()
    await fleet.booked()
