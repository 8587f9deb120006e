"""The one way to PostgreSQL: a pool, transactions, codecs, and the boundary where driver errors become ours."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Self

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from harvester.domain.errors import ConfigurationError, InvariantBroken, Unavailable

Connection = asyncpg.Connection | PoolConnectionProxy
Guard = Callable[[Connection], Awaitable[None]]
"""Raises if the transaction must not be."""
Observe = Callable[[str, float], None]
"""Is told of `acquire`, `statement` and `commit`, whether they succeeded or not, and the seconds each took."""

DEFAULT_POOL_SIZE: Final = 16
COMMAND_TIMEOUT_SECS: Final = 30.0
CONNECT_TIMEOUT_SECS: Final = 5.0
RELEASE_TIMEOUT_SECS: Final = 2.0
"""For taking back what a connection was asked when its user gave up: the driver would wait as long as for a command."""
_IDLE_IN_TRANSACTION_MS: Final = 5000
"""After this the server undoes the transaction of a process that is stopped: others wait for its locks."""
_COMMIT: Final = "COMMIT;"
"""As the driver writes it."""

_UNWELL: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresSystemError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What the database, or the way to it, may do to us: passing troubles, as far as one can know from here."""
_OUR_MISTAKES: Final = (asyncpg.UnsupportedClientFeatureError, asyncpg.UnsupportedServerFeatureError, ValueError)
"""Interface errors that trying again cannot help; values that do not fit a column are of this kind."""

_log = structlog.get_logger(__name__)


class Database:
    """A pool of connections. Opening it needs no running server: a database that is away is found out on first use."""

    def __init__(
        self, pool: asyncpg.Pool, uri: str, guard: Guard | None = None, observe: Observe | None = None
    ) -> None:
        self._pool = pool
        self._guard = guard
        self._observe = observe
        self.uri = uri
        """libpq URI; holds the password: never log it."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, uri: str, pool_size: int = DEFAULT_POOL_SIZE, observe: Observe | None = None
    ) -> AsyncIterator[Self]:
        """Yield the database at `uri` (libpq URI). Connections are made on demand, at most `pool_size`."""

        async def prepare(connection: asyncpg.Connection) -> None:
            await prepare_connection(connection)
            if observe is not None:
                connection.add_query_logger(_timer(observe))

        with driver_errors():
            pool = asyncpg.create_pool(
                uri,
                min_size=0,
                max_size=pool_size,
                init=prepare,
                reset=_leave_as_it_is,
                timeout=CONNECT_TIMEOUT_SECS,
                command_timeout=COMMAND_TIMEOUT_SECS,
                server_settings={
                    "application_name": "harvester",
                    "timezone": "UTC",
                    "idle_in_transaction_session_timeout": str(_IDLE_IN_TRANSACTION_MS),
                },
            )
        async with pool:
            yield cls(pool, uri, observe=observe)

    def guarded(self, guard: Guard) -> "Database":
        """Return this database with `guard` run first in every transaction; what it raises undoes the transaction."""
        return Database(self._pool, self.uri, guard, self._observe)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Yield a connection for single statements, each of which commits by itself.

        What is set for its session (`SET`, `LISTEN`, a lock) must be undone by who did it: the next user gets it too.

        Raises:
            Unavailable: the database does not answer.
            ConfigurationError: the URI cannot be used by the driver.
        """
        with driver_errors():
            connection = await self._acquire()
            try:
                yield connection
            finally:
                await self._give_back(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Yield a connection inside a transaction, which commits at the end of the block and rolls back on any error.

        Raises:
            Unavailable: the database does not answer; if that happened at the end, it is not known what it did.
        """
        async with self.connection() as connection, connection.transaction():
            if self._guard is not None:
                await self._guard(connection)
            yield connection

    async def _acquire(self) -> PoolConnectionProxy:
        started = time.monotonic()
        try:
            return await self._pool.acquire(timeout=COMMAND_TIMEOUT_SECS)
        finally:
            if self._observe is not None:
                self._observe("acquire", time.monotonic() - started)

    async def _give_back(self, connection: PoolConnectionProxy) -> None:
        try:
            await self._pool.release(connection, timeout=RELEASE_TIMEOUT_SECS)
        except (*_UNWELL, asyncpg.InterfaceError):
            # The driver has closed it, and whoever had it has had its result, or a better error than this one.
            _log.debug("a connection to the database could not be made clean and is closed")


def row_count(tag: str) -> int:
    """Return how many rows a statement has changed, by the tag that the driver returns, such as `UPDATE 1`."""
    return int(tag.rsplit(" ", 1)[1])


async def prepare_connection(connection: asyncpg.Connection) -> None:
    """Teach a new connection that `numeric` is an int: amounts have no fraction."""
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=_whole_number, format="text")


def _timer(observe: Observe) -> Callable[[Any], None]:
    """Return what the driver calls after each statement."""

    def executed(record: Any) -> None:
        observe("commit" if record.query == _COMMIT else "statement", record.elapsed)

    return executed


async def _leave_as_it_is(_connection: asyncpg.Connection) -> None:
    """Save a round trip after each use: nobody changes the session, and the driver ends an open transaction itself."""


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvariantBroken(f"an amount in the database is not a whole number: {text}") from None


@contextmanager
def driver_errors() -> Iterator[None]:
    """Turn what the driver raises when the database is unwell into Unavailable, with a text free of secrets."""
    try:
        yield
    except asyncpg.ClientConfigurationError as error:
        raise ConfigurationError(
            f"POSTGRES_URI: must be a libpq URI such as postgresql://user@host/name: {error}"
        ) from None
    except _OUR_MISTAKES:
        raise
    except (*_UNWELL, asyncpg.InterfaceError) as error:
        raise Unavailable(f"the database does not answer ({type(error).__name__})") from error
