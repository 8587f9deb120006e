"""Following events by number: however transactions overlap, a reader sees all of them, once, in order."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from harvester.domain.events import Event, EventType
from harvester.storage import event_feed, events, replay
from harvester.storage.database import Connection, Database
from harvester.storage.event_feed import Horizon, Look, Page
from tests.conftest import with_database
from tests.outbox import add_event, add_invoice, rows

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 1000


async def read(database: Database, horizon: Horizon, after: int = 0, limit: int = MANY) -> Page:
    async with database.connection() as connection:
        return await event_feed.read(connection, horizon, after, limit)


async def insert(connection: Connection, invoice_id: UUID, sequence: int) -> UUID:
    event = Event(uuid7(), EventType.PAID, invoice_id, sequence, "test", NOW, "{}")
    await events.insert(connection, [event])
    return event.id


@asynccontextmanager
async def unfinished(
    database: Database, invoice_id: UUID, sequence: int
) -> AsyncIterator[asyncpg.transaction.Transaction]:
    """A transaction that has written an event and neither commits nor rolls back by itself."""
    async with database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await insert(connection, invoice_id, sequence)
        yield transaction


async def naive(database: Database, after: int) -> Sequence[int]:
    return [row["number"] for row in await rows(database, "SELECT number FROM events WHERE number > $1", after)]


async def test_a_naive_reader_skips_what_commits_late_and_ours_does_not(database: Database) -> None:
    first, second = await add_invoice(database, NOW), await add_invoice(database, NOW)
    seen, ours, horizon = 2, 2, Horizon()
    async with unfinished(database, first, 2) as late:
        await add_event(database, second, 2, EventType.PAID, NOW)
        (seen,) = await naive(database, seen)
        page = await read(database, horizon, ours)
        assert (page.events, page.settled) == ([], False)
        await late.commit()
    assert await naive(database, seen) == [], "the naive reader is past the event that committed last"
    assert [event.number for event in (await read(database, horizon, ours)).events] == [3, 4]


async def test_a_number_that_was_rolled_back_holds_up_nobody(database: Database) -> None:
    invoice_id, horizon = await add_invoice(database, NOW), Horizon()
    async with unfinished(database, invoice_id, 2) as doomed:
        assert not (await read(database, horizon, 1)).settled
        await doomed.rollback()
    page = await read(database, horizon, 1)
    assert (page.events, page.last_number, page.settled) == ([], 2, True)
    await add_event(database, invoice_id, 2, EventType.PAID, NOW)
    assert [event.number for event in (await read(database, horizon, 1)).events] == [3]


async def test_writers_that_come_later_do_not_hold_up_what_is_settled(database: Database) -> None:
    first, second = await add_invoice(database, NOW), await add_invoice(database, NOW)
    horizon = Horizon()
    async with unfinished(database, first, 2) as early:
        assert (await read(database, horizon)).events == []
        async with unfinished(database, second, 2):
            await early.commit()
            assert [event.number for event in (await read(database, horizon)).events] == [1, 2, 3]


async def test_readers_are_not_held_up_by_anybody_else(database: Database, postgres_uri: str) -> None:
    invoice_id = await add_invoice(database, NOW)
    elsewhere = await asyncpg.connect(with_database(postgres_uri, "postgres"))
    async with database.transaction() as busy:
        await busy.execute("UPDATE invoices SET updated_at = now() WHERE id = $1", invoice_id)
        await busy.execute("SELECT FROM events FOR UPDATE")
        await elsewhere.execute("BEGIN; SELECT pg_current_xact_id()")
        page = await read(database, Horizon())
    await elsewhere.close()
    assert ([event.number for event in page.events], page.settled) == ([1], True)


async def test_a_reader_makes_no_writer_wait(database: Database) -> None:
    invoice_id = await add_invoice(database, NOW)
    async with database.transaction() as connection:
        await event_feed.read(connection, Horizon(), 0, MANY)
        async with asyncio.timeout(5):
            await add_event(database, invoice_id, 2, EventType.PAID, NOW)


async def test_events_come_in_pages_with_all_that_is_told(database: Database) -> None:
    invoice_id, horizon = await add_invoice(database, NOW), Horizon()
    event_id = await add_event(database, invoice_id, 2, EventType.PAID, NOW)
    first = await read(database, horizon, 0, 1)
    (second,) = (await read(database, horizon, first.events[0].number, 1)).events
    assert (second.number, second.id, second.type) == (2, event_id, "invoice.paid")
    assert (second.invoice_id, second.sequence, second.created_at) == (invoice_id, 2, NOW)
    assert "ї" in second.body
    assert (await read(database, horizon, 2)).events == []


async def _write(database: Database, number: int, committed: list[UUID]) -> None:
    dice = random.Random(number)  # noqa: S311 - not a secret
    invoice_id = await add_invoice(database, NOW)
    for sequence in range(2, 12):
        async with database.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            event_id = await insert(connection, invoice_id, sequence)
            await asyncio.sleep(dice.choice([0, 0, 0.001, 0.01]))
            if sequence == 11 or dice.random() < 0.8:
                await transaction.commit()
                committed.append(event_id)
            else:
                await transaction.rollback()


async def _follow(database: Database, stop: asyncio.Event) -> list[event_feed.NumberedEvent]:
    horizon, seen = Horizon(), list[event_feed.NumberedEvent]()
    while True:
        last_round = stop.is_set()
        page = await read(database, horizon, seen[-1].number if seen else 0, 7)
        seen += page.events
        if last_round and page.settled and not page.events:
            return seen
        await asyncio.sleep(0)


async def test_among_many_writers_each_event_is_seen_once_in_order_by_every_reader(database_uri: str) -> None:
    stop, committed = asyncio.Event(), list[UUID]()
    async with Database.open(database_uri, pool_size=30) as database:
        readers = [asyncio.create_task(_follow(database, stop)) for _ in range(3)]
        await asyncio.gather(*(_write(database, number, committed) for number in range(20)))
        stop.set()
        async with asyncio.timeout(30):
            found = [await reader for reader in readers]
    for seen in found:
        numbers = [event.number for event in seen]
        assert numbers == sorted(set(numbers))
        assert {event.id for event in seen if event.sequence != 1} == set(committed)
        latest: dict[UUID | None, int] = {}
        for event in seen:
            assert (event.sequence or 0) > latest.get(event.invoice_id, 0), "an invoice's events come in their order"
            latest[event.invoice_id] = event.sequence or 0


ERA = datetime(2026, 1, 1, tzinfo=UTC)
LOOKS = st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 5))), max_size=20)


@given(LOOKS)
def test_the_horizon_never_passes_a_number_whose_writer_may_still_be_at_work(steps: list[tuple[int, set[int]]]) -> None:
    horizon, number = Horizon(), 0
    looks: list[tuple[int, set[int]]] = []
    for new, writers in steps:
        number += new
        looks.append((number, writers))
        settled = horizon.advance(Look(ERA, number, frozenset(map(str, writers))))
        proven = [
            then
            for at, (then, busy) in enumerate(looks)
            if any(not busy & later for _, later in looks[at + 1 :]) or not busy
        ]
        assert settled <= max(proven, default=0)
        assert settled == number or writers


def test_what_was_seen_of_a_server_says_nothing_about_the_next_one() -> None:
    horizon = Horizon()
    assert horizon.advance(Look(ERA, 40, frozenset())) == 40
    assert horizon.advance(Look(ERA, 50, frozenset({"1/1"}))) == 40
    assert horizon.advance(Look(ERA + timedelta(days=1), 38, frozenset({"2/2"}))) == 0
    assert horizon.advance(Look(ERA + timedelta(days=1), 39, frozenset())) == 39


_GENERATE = """
INSERT INTO invoices (id, status, amount, ticker, chain, asset, decimals, pay_to_address,
                      created_at, expires_at, updated_at, private_info, metadata)
SELECT gen_random_uuid(), 'waiting', 1, 'T', 'c', 'a', 9, 'm', now(), now(), now(), '{}', '{}'
FROM generate_series(1, 20000);
INSERT INTO events (id, type, invoice_id, sequence, cause, created_at, body)
SELECT gen_random_uuid(), 'invoice.created', id, 1, 'test', now() + row_number() OVER () * interval '1 second', '{}'
FROM invoices;
SELECT brin_summarize_new_values('events_by_time');
ANALYZE;
"""


@pytest.mark.parametrize(
    ("statement", "arguments", "index"),
    [
        (event_feed.SELECT_PAGE, "(19000, 19500, 100)", "events_by_number"),
        (replay.RANGE, "(now() + interval '1 hour', now() + interval '61 minutes')", "events_by_time"),
        (
            replay.REPLAY,
            "(gen_random_uuid(), 500, 900, 100, now(), now() + interval '1 hour', now())",
            "events_by_number",
        ),
    ],
    ids=["page", "range", "replay"],
)
async def test_reading_and_replaying_touch_only_their_range(
    database: Database, statement: str, arguments: str, index: str
) -> None:
    async with database.connection() as connection, connection.transaction():
        await connection.execute(_GENERATE)
        for mode in ("force_custom_plan", "force_generic_plan"):
            await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
            await connection.execute(f"PREPARE hot AS {statement}")
            plan = [row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE hot {arguments}")]
            await connection.execute("DEALLOCATE hot")
            assert any(index in line for line in plan), "\n".join(plan)
            assert not any("Seq Scan on events" in line for line in plan), "\n".join(plan)
