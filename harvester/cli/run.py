"""`harvester run`: the daemon."""

import asyncio
import faulthandler
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import click
import structlog

from harvester.app import run_daemon
from harvester.chain import load_plugins
from harvester.chain.hooks import load_hooks
from harvester.cli.failures import SOFTWARE, leaves
from harvester.cli.progress import CatchUpBar
from harvester.clock import utc_now
from harvester.config.configuration import Configuration, configure
from harvester.config.forms import Role, roles
from harvester.config.settings import ROLES_ALLOWED, DaemonSettings
from harvester.config.variables import Variables
from harvester.domain.errors import ConfigurationError, Unavailable
from harvester.log import configure_logging
from harvester.notify import Notifier
from harvester.supervision import stop_on_signals

_log = structlog.get_logger(__name__)


def _read_roles(_context: click.Context, _option: click.Parameter, text: str | None) -> frozenset[Role] | None:
    try:
        return None if text is None else roles(text)
    except ValueError:
        raise click.BadParameter(f"must be {ROLES_ALLOWED}") from None


@click.command()
@click.option("--role", callback=_read_roles, help=f"What this process does: {ROLES_ALLOWED}; default: ROLE, or all.")
@click.option("--migrate/--no-migrate", default=None, help="Apply missing migrations first; default: MIGRATE, or yes.")
def command(role: frozenset[Role] | None, migrate: bool | None) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; a second one does not wait for work to finish.

    Exit status: 0 stopped, 1 cannot start now, 70 a task died, 78 a setting or the version of the database is wrong.
    """
    faulthandler.enable()  # the service manager's watchdog ends a daemon that hangs by SIGABRT: where it hung is told
    configuration = configure(DaemonSettings, Variables.of_process(), load_plugins(), utc_now, load_hooks())
    configure_logging(configuration.settings.log_level, configuration.secrets)
    options = {name: value for name, value in (("role", role), ("migrate", migrate)) if value is not None}
    configuration = replace(configuration, settings=configuration.settings.model_copy(update=options))
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(configuration))
    except Exception as error:
        if all(isinstance(leaf, ConfigurationError | Unavailable) for leaf in leaves(error)):
            raise
        _log.critical("the daemon has died", exc_info=error)
        sys.exit(SOFTWARE)
    _log.info("stopped")


async def _run(configuration: Configuration[DaemonSettings]) -> None:
    stop = asyncio.Event()
    on_terminal = sys.stderr.isatty()
    with stop_on_signals(stop), CatchUpBar() if on_terminal else nullcontext() as bar:
        await run_daemon(configuration, utc_now, Notifier.from_environ(os.environ), stop, bar)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
