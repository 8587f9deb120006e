"""Forgetting what was delivered long ago, and nothing else."""

from datetime import timedelta

import pytest

from harvester.domain.errors import InvalidInput
from harvester.services.outbox import Outbox
from harvester.storage.database import Database
from harvester.storage.signals import Signals
from tests.clock import ManualClock
from tests.outbox import add_endpoint, add_invoice, rows

NOW = ManualClock().now
OLD = NOW - timedelta(days=100)
_FINISH = """
UPDATE deliveries SET status = $1, attempts = 1, finished_at = $2 WHERE invoice_id = ANY ($3::uuid[])
"""
_ATTEMPT = """
INSERT INTO delivery_attempts (delivery_id, attempt, attempted_at, duration_ms)
SELECT id, 1, finished_at, 1 FROM deliveries WHERE status <> 'pending'
"""


async def test_only_what_was_taken_long_ago_is_forgotten(database: Database) -> None:
    await add_endpoint(database, "shop", "http://127.0.0.1/hook")
    old = [await add_invoice(database, OLD) for _ in range(4)]
    new = await add_invoice(database, NOW)
    async with database.connection() as connection:
        await connection.execute(_FINISH, "delivered", OLD, old[:2])
        await connection.execute(_FINISH, "dead", OLD, old[2:3])
        await connection.execute(_FINISH, "delivered", NOW, [new])
        await connection.execute(_ATTEMPT)
    outbox = Outbox(database, Signals(database), lambda: NOW)
    assert await outbox.prune(90) == 2
    assert await outbox.prune(90) == 0
    left = await rows(database, "SELECT invoice_id, status FROM deliveries ORDER BY id")
    assert [tuple(row) for row in left] == [(old[2], "dead"), (old[3], "pending"), (new, "delivered")]
    assert (await rows(database, "SELECT count(*) FROM delivery_attempts"))[0][0] == 2
    assert (await rows(database, "SELECT count(*) FROM events"))[0][0] == 5


async def test_it_goes_on_past_what_must_stay(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvester.services.outbox._PRUNED_AT_ONCE", 2)
    await add_endpoint(database, "shop", "http://127.0.0.1/hook")
    invoices = [await add_invoice(database, OLD) for _ in range(9)]
    async with database.connection() as connection:
        await connection.execute(_FINISH, "dead", OLD, invoices[:5])
        await connection.execute(_FINISH, "delivered", OLD, invoices[5:])
    assert await Outbox(database, Signals(database), lambda: NOW).prune(90) == 4


async def test_an_impossible_age_is_refused(database: Database) -> None:
    for days in (0, -1, 10**9):
        with pytest.raises(InvalidInput, match="days"):
            await Outbox(database, Signals(database), lambda: NOW).prune(days)
