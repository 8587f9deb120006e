"""What all tests share: a real PostgreSQL, and a database of its own for each test, cloned from a migrated template."""

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from harvester.storage.database import Database
from harvester.storage.embedded import embedded_postgres
from harvester.storage.migrate import CORE_SCOPE, core_migrations_path, migrate

settings.register_profile(
    "default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

TEMPLATE = "harvester_template"
_ROOM_BYTES = 4 << 30


def with_database(uri: str, name: str) -> str:
    """Return `uri` with the database name replaced."""
    base, _, query = uri.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture(scope="session")
def postgres_uri(postgres_folder: Path) -> Iterator[str]:
    """A PostgreSQL for the session, with a migrated template database."""
    with asyncio.Runner() as runner:
        context = embedded_postgres(postgres_folder / "postgres")
        uri = runner.run(context.__aenter__())
        try:
            runner.run(hurry(uri))
            runner.run(make_template(uri))
            yield uri
        finally:
            runner.run(context.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """A folder for servers, in memory where that is possible, and outside of pytest's own.

    Each session that starts shuts other users out of that, and a server that was started by root runs as another user.
    """
    with temporary_folder(in_memory()) as folder:
        yield folder


@pytest.fixture(scope="session")
def checkout_folder() -> Iterator[Path]:
    """A folder for checkouts, where programs may be run and servers started."""
    with temporary_folder() as folder:
        yield folder


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Yield a new folder."""
    with tempfile.TemporaryDirectory(prefix="harvester-", dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def in_memory() -> Path | None:
    """Return where files are in memory and there is room, if there is such a place.

    A database is a thousand files: on a disk it takes 20 times as long to make one, which each test does.
    """
    place = Path("/dev/shm")  # noqa: S108 - what is made in it has a name that nobody can guess
    usable = place.is_dir() and os.access(place, os.W_OK) and shutil.disk_usage(place).free > _ROOM_BYTES
    return place if usable else None


async def hurry(uri: str) -> None:
    """Let the server not wait for the disk: only a fault of the machine could lose what it has committed.

    Otherwise each database that is dropped, one for each test, waits for a checkpoint: most of a second.
    """
    admin = await asyncpg.connect(uri)
    try:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            await admin.execute(f"ALTER SYSTEM SET {setting} = off")
        await admin.execute("SELECT pg_reload_conf()")
    finally:
        await admin.close()


async def make_template(uri: str) -> None:
    """Make the migrated database that others are cloned from."""
    admin = await asyncpg.connect(uri)
    try:
        await admin.execute(f"CREATE DATABASE {TEMPLATE}")
    finally:
        await admin.close()
    async with Database.open(with_database(uri, TEMPLATE)) as template:
        await migrate(template, {CORE_SCOPE: core_migrations_path()})


@asynccontextmanager
async def new_database(postgres_uri: str) -> AsyncIterator[str]:
    """Yield the URI of a fresh, migrated database."""
    name = f"test_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(postgres_uri)
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        yield with_database(postgres_uri, name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture
async def database_uri(postgres_uri: str) -> AsyncIterator[str]:
    """URI of a fresh, migrated database."""
    async with new_database(postgres_uri) as uri:
        yield uri


@pytest.fixture
async def database(database_uri: str) -> AsyncIterator[Database]:
    """A fresh, migrated database."""
    async with Database.open(database_uri) as opened:
        yield opened
