"""What must be there before the daemon can work: the database, at the version of this program, and its listeners."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog
from aiohttp import web

from harvester.api.app import listen
from harvester.chain import AdapterPlugin, Clock
from harvester.chain.hooks import Hook
from harvester.config.forms import ListenAddress, Role
from harvester.config.settings import DaemonSettings, Settings
from harvester.domain.errors import ConfigurationError, Unavailable
from harvester.services.outage import Outage
from harvester.storage.database import Database, Observe
from harvester.storage.embedded import embedded_postgres
from harvester.storage.endpoints import ensure_environment_endpoint, ensure_hook_endpoints
from harvester.storage.migrate import CORE_SCOPE, core_migrations_path, migrate, missing_migrations

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_database(settings: Settings, observe: Observe | None = None) -> AsyncIterator[Database]:
    """Yield the database at POSTGRES_URI, which may be away, or the embedded one in DATA_DIR, which is started.

    `observe` is told how long it takes to answer.

    Raises:
        ConfigurationError: the embedded one cannot be used.
        Unavailable: the embedded one has not started.
    """
    if settings.postgres_uri:
        async with Database.open(settings.postgres_uri.get_secret_value(), observe=observe) as database:
            yield database
    else:
        async with (
            embedded_postgres(settings.data_dir / "postgres") as uri,
            Database.open(uri, observe=observe) as database,
        ):
            yield database


def migration_scopes(plugins: Sequence[AdapterPlugin]) -> Mapping[str, Path]:
    """Return the folders of migrations that this installation uses: the core's first, then each adapter's."""
    adapters = {plugin.name: plugin.migrations_path for plugin in plugins if plugin.migrations_path}
    return {CORE_SCOPE: core_migrations_path()} | adapters


async def prepare_database(
    database: Database,
    scopes: Mapping[str, Path],
    settings: DaemonSettings,
    hooks: Mapping[str, Hook],
    clock: Clock,
) -> None:
    """Bring the database to this program's version, if that is wanted, and its endpoints to WEBHOOK_ENDPOINT and HOOKS.

    Raises:
        ConfigurationError: it is at another version.
        Unavailable: it does not answer.
    """
    await bring_to_version(database, scopes, apply=settings.migrate or settings.postgres_uri is None)
    url = settings.webhook_endpoint.get_secret_value() if settings.webhook_endpoint else None
    delivers = Role.DELIVER in settings.role
    async with database.connection() as connection:
        if url or delivers:
            await ensure_environment_endpoint(connection, url, clock())
        if hooks or delivers:
            wanted = {name: hook.event_types for name, hook in hooks.items()}
            await ensure_hook_endpoints(connection, wanted, clock())


async def bring_to_version(database: Database, scopes: Mapping[str, Path], *, apply: bool) -> None:
    """Apply missing migrations, or refuse to work without them.

    Raises:
        ConfigurationError: the database is at another version.
        Unavailable: it does not answer.
    """
    if apply:
        for name in await migrate(database, scopes):
            _log.info("migration applied", migration=name)
    elif missing := await missing_migrations(database, scopes):
        raise ConfigurationError(f"the database lacks {', '.join(missing)}: run `harvester migrate`")


async def when_available(work: Callable[[], Awaitable[None]]) -> None:
    """Do `work`, as often as the database is away, until it succeeds."""
    outage = Outage("startup")
    while True:
        try:
            await work()
        except Unavailable as error:
            await asyncio.sleep(outage.retry_secs(error))
        else:
            return outage.over()


@asynccontextmanager
async def listening(setting: str, app: web.Application, address: ListenAddress | None) -> AsyncIterator[None]:
    """Serve `app` inside the block, at the address that `setting` names; None: nowhere.

    Raises:
        Unavailable: the address cannot be used. Whoever holds it may let it go, so that starting again can help.
    """
    async with AsyncExitStack() as stack:
        if address:
            try:
                bound = await stack.enter_async_context(listen(app, *address))
            except OSError as error:
                # aiohttp's text repeats the address; a name that cannot be resolved has a negative number.
                reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
                raise Unavailable(f"{setting}: cannot listen on {address} ({reason})") from error
            _log.info("listening", setting=setting, addresses=[str(ListenAddress(*place)) for place in bound])
        yield
