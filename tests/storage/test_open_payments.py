"""Money that nobody has dealt with is counted, all of it, a bounded stretch at a time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from harvester import counting
from harvester.chain import UNHEARD
from harvester.counting import Counts
from harvester.domain.payment import PaymentClass
from harvester.metrics import Metrics
from harvester.storage.database import Connection, Database
from harvester.storage.open_payments import STRETCH, Walk, walk_on
from tests.e2e.eventually import eventually

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_PAYMENTS = """
INSERT INTO payments (
    chain, tx_hash, transfer_index, account_address, pay_to_address, asset, amount, payer, time, class, recorded_at
)
SELECT 'memory', md5(class || i) || md5(class || i), 0, 'm', 'm', 'coin', 1, 'p',
       $3::timestamptz + (i / 10) * interval '1 s', class, $3
FROM generate_series(0, $2 - 1) AS i, (SELECT $1::text AS class) AS wanted
"""
"""Ten in each second."""
_ACT = """
INSERT INTO payment_acts (payment_id, act, actor, created_at)
SELECT id, $1, 'test', now() FROM payments WHERE time < $2
"""


async def make(connection: Connection, payment_class: PaymentClass, count: int) -> None:
    await connection.execute(_PAYMENTS, payment_class.value, count, FIRST)


async def act(connection: Connection, act: str, secs: float) -> None:
    """Let somebody act on the payments of the first seconds."""
    await connection.execute(_ACT, act, FIRST + timedelta(seconds=secs))


async def walk_through(connection: Connection, payment_class: PaymentClass) -> tuple[Walk, int]:
    walk, stretches = Walk(), 0
    while not walk.finished:
        walk, stretches = await walk_on(connection, payment_class, walk), stretches + 1
    return walk, stretches


@pytest.mark.parametrize("count", [0, 1, STRETCH - 1, STRETCH, STRETCH + 1, 2 * STRETCH + 5])
async def test_each_open_one_is_counted_once_however_many_stretches_it_takes(database: Database, count: int) -> None:
    async with database.connection() as connection:
        await make(connection, PaymentClass.UNMATCHED, count)
        await make(connection, PaymentClass.LATE, 3)
        walk, stretches = await walk_through(connection, PaymentClass.UNMATCHED)
    assert (walk.open, walk.oldest) == (count, FIRST if count else None)
    assert stretches == count // STRETCH + 1


async def test_what_somebody_has_dealt_with_is_not_open_until_that_is_taken_back(database: Database) -> None:
    async with database.connection() as connection:
        await make(connection, PaymentClass.UNMATCHED, 30)
        await act(connection, "refunded", 2)
        walk, _ = await walk_through(connection, PaymentClass.UNMATCHED)
        assert (walk.open, walk.oldest) == (10, FIRST + timedelta(seconds=2))
        await act(connection, "unassigned", 1)
        walk, _ = await walk_through(connection, PaymentClass.UNMATCHED)
        assert (walk.open, walk.oldest) == (20, FIRST)


async def test_the_gauges_show_the_whole_when_it_is_known_and_nothing_when_all_is_dealt_with(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "COUNT_SECS", 0)
    registry = CollectorRegistry()
    counts = Counts(database, Metrics(registry, "test"))

    def shown(name: str, payment_class: str) -> float | None:
        return registry.get_sample_value(f"harvester_payments_{name}", {"class": payment_class})

    async def any_open() -> bool:
        return bool(shown("open", "unmatched"))

    async def none_open() -> bool:
        return not await any_open()

    async with database.connection() as connection:
        await make(connection, PaymentClass.UNMATCHED, STRETCH + 1)
        counting_task = asyncio.create_task(counts.run(UNHEARD))
        await eventually(any_open, "they are counted")
        assert shown("open", "unmatched") == STRETCH + 1, "the whole, not the first stretch"
        assert shown("oldest_open_timestamp_seconds", "unmatched") == FIRST.timestamp()
        assert shown("open", "wrong_asset") == 0
        await act(connection, "ignored", STRETCH)
        await eventually(none_open, "all is dealt with")
        assert shown("oldest_open_timestamp_seconds", "unmatched") == 0
    counting_task.cancel()
    await asyncio.gather(counting_task, return_exceptions=True)
