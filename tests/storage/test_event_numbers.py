"""Events that were there before they had numbers get them in the order in which they happened."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from harvester.storage.database import Database
from harvester.storage.migrate import CORE_SCOPE, core_migrations_path, migrate
from tests.conftest import with_database


@pytest.fixture
async def empty(postgres_uri: str) -> AsyncIterator[Database]:
    """A database without tables."""
    name = f"empty_{uuid4().hex}"
    admin = await asyncpg.connect(postgres_uri)
    await admin.execute(f"CREATE DATABASE {name}")
    async with Database.open(with_database(postgres_uri, name)) as database:
        yield database
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def test_old_events_are_numbered_by_age_and_new_ones_go_on(empty: Database, tmp_path: Path) -> None:
    first = min(core_migrations_path().glob("0001_*.sql"))
    (tmp_path / first.name).write_text(first.read_text())
    await migrate(empty, {CORE_SCOPE: tmp_path})
    ids = [uuid7() for _ in range(20)]
    async with empty.connection() as connection:
        for event_id in reversed(ids):
            await connection.execute(_EVENT, event_id)
        await connection.execute(
            "INSERT INTO endpoints (id, name, url, created_at, updated_at)"
            " VALUES (gen_random_uuid(), 'environment', 'http://127.0.0.1/', now(), now())"
        )
    await migrate(empty, {CORE_SCOPE: core_migrations_path()})
    new = uuid7()
    async with empty.connection() as connection:
        await connection.execute(_EVENT, new)
        rows = await connection.fetch("SELECT number, id FROM events ORDER BY number")
        assert await connection.fetchval("SELECT local FROM endpoints"), "the operator's own word"
    assert [(row["number"], row["id"]) for row in rows] == list(enumerate([*ids, new], start=1))


_EVENT = """
WITH invoice AS (
    INSERT INTO invoices (id, status, amount, ticker, chain, asset, decimals, pay_to_address,
                          created_at, expires_at, updated_at, private_info, metadata)
    VALUES (gen_random_uuid(), 'waiting', 1, 'T', 'c', 'a', 9, 'm', now(), now(), now(), '{}', '{}')
    RETURNING id
)
INSERT INTO events (id, type, invoice_id, sequence, cause, created_at, body)
SELECT $1, 'invoice.created', id, 1, 'test', now(), '{}' FROM invoice
"""
