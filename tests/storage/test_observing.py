"""What the database takes is measured: waiting for a connection, statements, commits; also when they fail."""

import asyncpg
import pytest

from harvester.domain.errors import Unavailable
from harvester.storage.database import Database
from tests.proxy import proxied


async def test_each_operation_is_told_once_with_its_time(database_uri: str) -> None:
    told: list[tuple[str, float]] = []
    async with Database.open(database_uri, observe=lambda operation, secs: told.append((operation, secs))) as database:
        async with database.connection() as connection:
            await connection.fetchval("SELECT pg_sleep(0.2)")
        assert [operation for operation, _ in told[-2:]] == ["acquire", "statement"]
        assert 0.2 <= told[-1][1] < 5
        told.clear()
        async with database.transaction() as connection:
            await connection.execute("SELECT 1")
        assert [operation for operation, _ in told] == ["acquire", "statement", "statement", "commit"]
        told.clear()
        with pytest.raises(asyncpg.UndefinedTableError):
            async with database.connection() as connection:
                await connection.fetchval("SELECT * FROM nothing")
        assert told[0][0] == "acquire"


async def test_waiting_in_vain_for_a_connection_is_told(database_uri: str) -> None:
    told: list[str] = []
    async with (
        proxied(database_uri) as way,
        Database.open(way.uri, observe=lambda operation, _secs: told.append(operation)) as database,
    ):
        await way.cut()
        with pytest.raises(Unavailable):
            async with database.connection():
                pass
    assert told == ["acquire"]
