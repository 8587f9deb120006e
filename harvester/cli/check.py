"""`harvester check`: everything that is wrong, before it hurts."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Final

import click

from harvester.chain import Adapter, AdapterPlugin, Finding, load_plugins
from harvester.chain.hooks import CheckingHook, load_hooks
from harvester.cli.failures import CONFIG, FAILED
from harvester.cli.output import json_option, print_json, print_table
from harvester.clock import utc_now
from harvester.config.configuration import Configuration, configure, flatten
from harvester.config.settings import DaemonSettings
from harvester.config.variables import Variables
from harvester.domain.errors import ConfigurationError, HarvesterError
from harvester.log import configure_logging
from harvester.startup import migration_scopes, open_database
from harvester.storage.migrate import missing_migrations

_CHECK_SECS: Final = 60.0


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Say what is right and wrong with configuration, database, migrations, each chain and each hook.

    Exit status: 0 all is well, 1 something is wrong, 78 a setting is wrong.
    """
    findings, status = _check()
    if as_json:
        print_json({"ok": status == 0, "findings": findings})
    else:
        print_table(
            ["", "subject", "finding"],
            [("ok" if finding.ok else "WRONG", finding.subject, finding.message) for finding in findings],
        )
    sys.exit(status)


def _check() -> tuple[Sequence[Finding], int]:
    try:
        configuration = configure(DaemonSettings, Variables.of_process(), load_plugins(), utc_now, load_hooks())
    except (ConfigurationError, ExceptionGroup) as error:
        mistakes = flatten(error)
        if not mistakes:
            raise
        return [Finding(False, "configuration", str(mistake)) for mistake in mistakes], CONFIG
    # The findings say it all; what goes on beneath them is for those who ask.
    configure_logging("DEBUG" if configuration.settings.log_level == "DEBUG" else "ERROR", configuration.secrets)
    findings = [Finding(True, "configuration", "complete"), *asyncio.run(_look_around(configuration))]
    return findings, 0 if all(finding.ok for finding in findings) else FAILED


async def _look_around(configuration: Configuration[DaemonSettings]) -> Sequence[Finding]:
    hooks = {name: hook for name, (_, hook) in configuration.hooks.items() if isinstance(hook, CheckingHook)}
    database, *others = await asyncio.gather(
        _check_database(configuration.settings, configuration.plugins),
        *(_check_by_itself(adapter.name, adapter) for adapter in configuration.adapters),
        *(_check_by_itself(name, hook) for name, hook in hooks.items()),
    )
    return [*database, *(finding for findings in others for finding in findings)]


async def _check_database(settings: DaemonSettings, plugins: Sequence[AdapterPlugin]) -> Sequence[Finding]:
    which = "PostgreSQL at POSTGRES_URI" if settings.postgres_uri else f"embedded PostgreSQL in {settings.data_dir}"
    try:
        async with open_database(settings) as database:
            missing = await missing_migrations(database, migration_scopes(plugins))
    except ConfigurationError as error:
        return [Finding(False, "database", str(error))]
    except HarvesterError as error:
        return [Finding(False, "database", f"{which}: {error}")]
    return [Finding(True, "database", f"{which} answers"), _judge(settings, missing)]


def _judge(settings: DaemonSettings, missing: Sequence[str]) -> Finding:
    if not missing:
        return Finding(True, "migrations", "up to date")
    by_itself = settings.migrate or not settings.postgres_uri
    remedy = "`harvester run` applies them" if by_itself else "run `harvester migrate`"
    return Finding(by_itself, "migrations", f"missing {', '.join(missing)}: {remedy}")


async def _check_by_itself(name: str, checking: Adapter | CheckingHook) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(_CHECK_SECS):
            return await checking.check()
    except HarvesterError as error:
        return [Finding(False, name, str(error))]
    except TimeoutError:
        return [Finding(False, name, f"the check did not end within {_CHECK_SECS:.0f} s")]
