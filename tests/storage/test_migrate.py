"""Migrations: applied once, by whoever comes first, and never on a database that is not theirs."""

import asyncio
from pathlib import Path

import pytest

from harvester.domain.errors import ConfigurationError
from harvester.storage.database import Database
from harvester.storage.migrate import CORE_SCOPE, core_migrations_path, migrate, missing_migrations

CORE = {CORE_SCOPE: core_migrations_path()}


def write(folder: Path, name: str, sql: str) -> None:
    (folder / name).write_text(sql)


async def test_a_migrated_database_needs_nothing(database: Database) -> None:
    assert await missing_migrations(database, CORE) == []
    assert await migrate(database, CORE) == []


async def test_many_processes_apply_each_file_once(database: Database, tmp_path: Path) -> None:
    write(tmp_path, "0001_one.sql", "CREATE TABLE one (a integer)")
    write(tmp_path, "0002_two.sql", "CREATE TABLE two (a integer)")
    applied = await asyncio.gather(*(migrate(database, {"extra": tmp_path}) for _ in range(5)))
    assert sorted(len(names) for names in applied) == [0, 0, 0, 0, 2]


async def test_a_failing_file_leaves_no_trace(database: Database, tmp_path: Path) -> None:
    write(tmp_path, "0001_bad.sql", "CREATE TABLE half (a integer); SELECT 1 / 0")
    with pytest.raises(Exception, match="division by zero"):
        await migrate(database, {"extra": tmp_path})
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT to_regclass('half')") is None
    assert await missing_migrations(database, {"extra": tmp_path}) == ["extra/0001_bad"]


async def test_a_newer_database_is_refused(database: Database, tmp_path: Path) -> None:
    write(tmp_path, "0001_one.sql", "SELECT 1")
    write(tmp_path, "0002_two.sql", "SELECT 1")
    await migrate(database, {"extra": tmp_path})
    (tmp_path / "0002_two.sql").unlink()
    with pytest.raises(ConfigurationError, match="schema version 2, this program knows 1"):
        await missing_migrations(database, {"extra": tmp_path})


async def test_a_changed_file_is_refused(database: Database, tmp_path: Path) -> None:
    write(tmp_path, "0001_one.sql", "SELECT 1")
    await migrate(database, {"extra": tmp_path})
    write(tmp_path, "0001_one.sql", "SELECT 2")
    with pytest.raises(ConfigurationError, match="differs"):
        await migrate(database, {"extra": tmp_path})


async def test_a_gap_in_the_numbers_is_refused(database: Database, tmp_path: Path) -> None:
    write(tmp_path, "0002_two.sql", "SELECT 1")
    with pytest.raises(ConfigurationError, match="not numbered"):
        await migrate(database, {"extra": tmp_path})
