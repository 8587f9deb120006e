"""Leases in PostgreSQL: one holder at a time, and nothing written by who holds one no longer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from harvester.domain.errors import LeaseLost, Unavailable
from harvester.services.leading import DEFAULT_TERM
from harvester.storage import leases
from harvester.storage.database import Database
from harvester.storage.leases import Lease, LeaseSession, fence
from tests.storage.locks import until_waiting

NAME = "chain:test"
LONG = timedelta(minutes=10)
OVER_AT_ONCE = timedelta(0)

NewSession = Callable[[timedelta], LeaseSession]


@pytest.fixture
async def new_session(database: Database) -> AsyncIterator[NewSession]:
    """Makes sessions that end with the test."""
    made: list[LeaseSession] = []

    def make(term: timedelta) -> LeaseSession:
        made.append(LeaseSession(database.uri, term))
        return made[-1]

    yield make
    for session in made:
        session.close()


async def take(session: LeaseSession) -> Lease:
    """Acquire a lease that is free."""
    lease = await session.acquire(NAME)
    assert lease is not None
    return lease


async def until_free(session: LeaseSession) -> Lease:
    """Acquire a lease that is about to be free."""
    async with asyncio.timeout(10):
        while (lease := await session.acquire(NAME)) is None:  # noqa: ASYNC110 - the server notices in its own time
            await asyncio.sleep(0.01)
    return lease


async def passes(database: Database, lease: Lease) -> bool:
    """Whether a transaction may write under the lease."""
    async with database.transaction() as connection:
        try:
            await fence(connection, lease)
        except LeaseLost:
            return False
    return True


async def test_one_holds_it_and_nobody_else_gets_it(new_session: NewSession) -> None:
    assert await new_session(LONG).acquire(NAME) == Lease(NAME, 1)
    assert await new_session(LONG).acquire(NAME) is None


async def test_its_session_begins_with_nothing_that_a_pooler_refuses(
    new_session: NewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, begun_with = asyncpg.connect, set[str]()

    async def listen(uri: str, **options: Any) -> asyncpg.Connection:
        begun_with.update(options["server_settings"])
        return await connect(uri, **options)

    monkeypatch.setattr(asyncpg, "connect", listen)
    await take(new_session(LONG))
    assert begun_with == {"application_name"}


async def test_of_many_who_want_it_at_once_one_gets_it(new_session: NewSession) -> None:
    for token in (1, 3):  # when nobody has ever had it, and when its time is over
        sessions = [new_session(LONG) for _ in range(8)]
        taken = await asyncio.gather(*(session.acquire(NAME) for session in sessions))
        assert [lease for lease in taken if lease is not None] == [Lease(NAME, token)]
        for session in sessions:
            session.close()
        await until_free(new_session(OVER_AT_ONCE))


async def test_leases_of_different_names_are_independent(new_session: NewSession) -> None:
    session = new_session(LONG)
    assert await session.acquire("chain:one") is not None
    assert await session.acquire("chain:two") is not None


async def test_the_end_of_the_holders_session_frees_it_at_once(new_session: NewSession) -> None:
    first = new_session(LONG)
    lease = await take(first)
    first.close()
    assert (await until_free(new_session(LONG))).token == lease.token + 1


async def test_what_is_not_renewed_in_time_is_free_although_its_holder_lives(new_session: NewSession) -> None:
    first = new_session(OVER_AT_ONCE)
    lease = await take(first)
    assert await new_session(LONG).acquire(NAME) == Lease(NAME, lease.token + 1)
    assert not await first.renew(lease)


async def test_renewing_makes_it_last(new_session: NewSession, database: Database) -> None:
    lease = await take(new_session(OVER_AT_ONCE))
    assert not await passes(database, lease)
    assert await new_session(LONG).renew(lease)
    assert await passes(database, lease)
    assert await new_session(LONG).acquire(NAME) is None


async def test_a_renewal_over_a_new_session_survives_the_end_of_the_old_one(
    new_session: NewSession, database: Database
) -> None:
    session = new_session(LONG)
    lease = await take(session)
    session.close()
    assert await session.renew(lease)
    assert await new_session(LONG).acquire(NAME) is None
    assert await passes(database, lease)


async def test_a_former_holder_does_not_pass_the_fence(new_session: NewSession, database: Database) -> None:
    first = new_session(LONG)
    lease = await take(first)
    assert await passes(database, lease)
    first.close()
    after = await until_free(new_session(LONG))
    assert not await passes(database, lease)
    assert await passes(database, after)


async def test_a_takeover_waits_for_the_transaction_that_passed_the_fence_and_renewing_does_not(
    new_session: NewSession, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "PATIENCE", LONG)
    first, second = new_session(LONG), new_session(LONG)
    lease = await take(first)
    async with database.transaction() as connection:
        await fence(connection, lease)
        async with asyncio.timeout(5):
            assert await first.renew(lease)
        first.close()
        takeover = asyncio.create_task(until_free(second))
        await until_waiting(database.uri)
        assert not takeover.done()
    assert (await takeover).token == lease.token + 1


async def test_a_process_that_sleeps_in_a_transaction_does_not_hold_up_others_for_long(database: Database) -> None:
    async with database.connection() as connection:
        query = "SELECT setting::integer FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
        assert 0 < await connection.fetchval(query) < DEFAULT_TERM.total_seconds() * 1000


async def test_a_takeover_ends_a_transaction_of_a_former_holder_that_sleeps_where_no_time_limit_of_the_server_counts(
    new_session: NewSession, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "PATIENCE", timedelta(milliseconds=50))
    first, taken = new_session(LONG), list[Lease]()
    lease = await take(first)

    async def sleep_in_a_transaction() -> None:
        async with database.transaction() as connection:
            await fence(connection, lease)
            await connection.prepare("SELECT 'asleep'")  # to the server it is at work on that until it is told to go on
            first.close()
            taken.append(await until_free(new_session(LONG)))

    with pytest.raises(Unavailable):
        await sleep_in_a_transaction()
    assert taken == [Lease(NAME, lease.token + 1)]
