"""Schema migrations: numbered SQL files, forward only, each in a transaction of its own, recorded with a checksum.

A scope is one sequence of files: `core`, and one for each adapter that brings tables.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from harvester.domain.errors import ConfigurationError
from harvester.storage.database import Connection, Database

CORE_SCOPE: Final = "core"
_LOCK_KEY: Final = 0x68617276
_LOCK_POLL_SECS: Final = 0.2
_FILE_SECS: Final = 24 * 3600.0
"""What a file may take: an index over years of invoices takes longer than any other statement may."""

_CREATE_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    scope text NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, version)
)
"""
_SELECT_APPLIED: Final = "SELECT version, checksum FROM schema_migrations WHERE scope = $1 ORDER BY version"
_INSERT_APPLIED: Final = "INSERT INTO schema_migrations (scope, version, name, checksum) VALUES ($1, $2, $3, $4)"
_TABLE_EXISTS: Final = "SELECT to_regclass('schema_migrations') IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of a sequence."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def core_migrations_path() -> Path:
    """Return the folder of the core's migrations: inside the installed package, or in the repository."""
    packaged = Path(str(files("harvester"))) / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "migrations"


def read_migrations(path: Path) -> Sequence[Migration]:
    """Return the files `NNNN_name.sql` of `path` in order; their numbers must be 1, 2, 3 …"""
    found = [
        Migration(int(file.name[:4]), file.stem, file.read_text("utf-8"))
        for file in sorted(path.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    ]
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise ConfigurationError(f"migrations are not numbered 1 … {len(found)}: {[m.name for m in found]}")
    return found


async def migrate(database: Database, scopes: Mapping[str, Path]) -> Sequence[str]:
    """Apply what is missing, in the order of `scopes`; return the names applied. Safe to run by many at once.

    Raises:
        ConfigurationError: the database is newer than this program, or an applied file has changed.
        Unavailable: the database does not answer.
    """
    applied_now: list[str] = []
    async with database.connection() as connection, _exclusively(connection):
        await connection.execute(_CREATE_TABLE)
        for scope, path in scopes.items():
            for migration in await _missing(connection, scope, read_migrations(path)):
                async with connection.transaction():
                    await connection.execute(migration.sql, timeout=_FILE_SECS)
                    await connection.execute(
                        _INSERT_APPLIED, scope, migration.version, migration.name, migration.checksum
                    )
                applied_now.append(f"{scope}/{migration.name}")
    return applied_now


async def missing_migrations(database: Database, scopes: Mapping[str, Path]) -> Sequence[str]:
    """Return the names of the migrations that are not applied.

    Raises: as `migrate`.
    """
    missing: list[str] = []
    async with database.connection() as connection:
        exists = await connection.fetchval(_TABLE_EXISTS)
        for scope, path in scopes.items():
            known = read_migrations(path)
            found = await _missing(connection, scope, known) if exists else known
            missing += [f"{scope}/{migration.name}" for migration in found]
    return missing


async def _missing(connection: Connection, scope: str, known: Sequence[Migration]) -> Sequence[Migration]:
    applied = await connection.fetch(_SELECT_APPLIED, scope)
    if len(applied) > len(known):
        raise ConfigurationError(
            f"the database has {scope} schema version {applied[-1]['version']}, this program knows {len(known)}: "
            "run the version of harvester that migrated it, or a newer one"
        )
    for row, migration in zip(applied, known, strict=False):
        if (row["version"], row["checksum"]) != (migration.version, migration.checksum):
            raise ConfigurationError(f"migration {scope}/{migration.name} differs from what the database was made with")
    return known[len(applied) :]


@asynccontextmanager
async def _exclusively(connection: Connection) -> AsyncIterator[None]:
    # Waiting inside pg_advisory_lock() would deadlock with CREATE INDEX CONCURRENTLY, so the lock is polled for.
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):  # noqa: ASYNC110
        await asyncio.sleep(_LOCK_POLL_SECS)
    try:
        yield
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK_KEY)
