"""The boundary to the driver: what is a passing trouble, what is a mistake in the settings, what is a bug of ours."""

import asyncio
import time
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from harvester.domain.errors import ConfigurationError, InvariantBroken, Unavailable
from harvester.storage.database import COMMAND_TIMEOUT_SECS, Database
from tests.conftest import with_database
from tests.faulty_postgres import Way


async def ask(uri: str, query: str = "SELECT 1", *arguments: object) -> object:
    """Ask the database at `uri`."""
    async with Database.open(uri) as database, database.connection() as connection:
        return await connection.fetchval(query, *arguments)


@pytest.mark.parametrize(
    "uri", ["postgresql://nobody:hidden@127.0.0.1:1/none", "postgresql://nobody:hidden@/x?host=/nowhere"]
)
async def test_a_server_that_is_away_is_unavailable_and_named_nowhere(uri: str) -> None:
    with pytest.raises(Unavailable) as caught:
        await ask(uri)
    assert "hidden" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


async def test_a_database_that_is_not_made_yet_is_unavailable(postgres_uri: str) -> None:
    with pytest.raises(Unavailable):
        await ask(with_database(postgres_uri, "not_made_yet"))


async def test_a_user_that_does_not_exist_is_unavailable(postgres_uri: str) -> None:
    with pytest.raises(Unavailable):
        await ask(postgres_uri.replace("postgres:", "stranger:", 1))


async def test_a_uri_that_no_driver_understands_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(ConfigurationError, match="POSTGRES_URI"):
        await ask("postgresql://somebody:hidden@127.0.0.1/x?sslmode=nonsense")


async def test_a_value_that_fits_no_column_is_a_bug_and_not_an_outage(database_uri: str) -> None:
    with pytest.raises(asyncpg.DataError, match="invalid input"):
        await ask(database_uri, "SELECT $1::integer", "many")


async def test_a_lost_connection_is_unavailable_and_the_next_one_works(database: Database) -> None:
    with pytest.raises(Unavailable):
        async with database.connection() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_giving_up_on_a_server_that_hangs_takes_seconds(database_uri: str) -> None:
    """The driver would wait as long as for any command until it believes that the connection is lost."""
    parts = urlsplit(database_uri)
    (folder,) = parse_qs(parts.query)["host"]
    async with (
        Way.open(f"{folder}/.s.PGSQL.5432") as way,
        Database.open(f"postgresql://postgres@127.0.0.1:{way.port}{parts.path}") as database,
    ):
        async with database.connection() as connection:
            await connection.execute("SELECT 1")
        started = time.monotonic()
        with way.stalled(), pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), database.connection() as connection:
                await connection.execute("SELECT 1")
        assert time.monotonic() - started < COMMAND_TIMEOUT_SECS / 3
        async with database.connection() as connection:
            assert await connection.fetchval("SELECT 1") == 1


async def test_amounts_are_whole_numbers_of_any_size(database: Database) -> None:
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT $1::numeric", 2**120 - 1) == 2**120 - 1
        with pytest.raises(InvariantBroken):
            await connection.fetchval("SELECT 0.5::numeric")
