"""`harvester migrate`: the database at the version of this program, before the daemon starts."""

import asyncio
from collections.abc import Sequence

import click

from harvester.chain import load_plugins
from harvester.cli.output import json_option, print_json
from harvester.config.configuration import choose_plugins
from harvester.config.settings import Settings
from harvester.config.variables import Variables
from harvester.log import configure_logging
from harvester.startup import migration_scopes, open_database
from harvester.storage.migrate import migrate, missing_migrations


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what is missing.")
@json_option
def command(dry_run: bool, as_json: bool) -> None:
    """Bring the database to the version of this program. Repeating it changes nothing."""
    settings = Settings.load(Variables.of_process())
    configure_logging(settings.log_level, settings.secrets())
    names = asyncio.run(_migrate(settings, dry_run))
    if as_json:
        print_json({"missing" if dry_run else "applied": names})
        return
    for name in names:
        click.echo(f"{'missing' if dry_run else 'applied'} {name}")
    if not names:
        click.echo("the database is up to date")


async def _migrate(settings: Settings, dry_run: bool) -> Sequence[str]:
    scopes = migration_scopes(choose_plugins(settings, load_plugins()))
    async with open_database(settings) as database:
        return await (missing_migrations if dry_run else migrate)(database, scopes)
