"""`harvester export`: payments and invoices as CSV for accounting."""

import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

import click

from harvester.cli.services import Services, with_services
from harvester.domain.errors import InvalidInput
from harvester.domain.rates import parse_currency
from harvester.services.exports import Exports, Wanted

_MOMENT: Final = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"])
_ALL: Final = Wanted()


@click.command()
@click.argument("what", type=click.Choice(["payments", "invoices"]))
@click.option("--since", type=_MOMENT, help="Made then or later (UTC): payments by chain time, invoices by creation.")
@click.option("--until", type=_MOMENT, help="Made before that (UTC).")
@click.option("--currency", help="Code of the currency in which money is valued, as of when it came.")
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="Where to; default: standard output.")
@with_services
async def command(
    services: Services,
    what: str,
    since: datetime | None,
    until: datetime | None,
    currency: str | None,
    file: Path | None,
) -> None:
    """Write payments or invoices as CSV, oldest first."""
    wanted = Wanted(
        since.replace(tzinfo=UTC) if since else _ALL.since,
        until.replace(tzinfo=UTC) if until else _ALL.until,
        parse_currency(currency) if currency else None,
    )
    exports = Exports(services.database, services.chains)
    table = exports.payments(wanted) if what == "payments" else exports.invoices(wanted)
    if file is None:
        await _write(table, sys.stdout.buffer)
        return
    await _write_file(table, file)


async def _write_file(table: AsyncGenerator[bytes, None], file: Path) -> None:
    """Write a file that is there only once it is whole."""
    unfinished = file.with_name(f"{file.name}.part")
    try:
        with unfinished.open("wb") as out:
            await _write(table, out)
        unfinished.replace(file)
    except OSError as error:
        raise InvalidInput(f"--file: {file} cannot be written ({error.strerror})") from None
    finally:
        unfinished.unlink(missing_ok=True)


async def _write(table: AsyncGenerator[bytes, None], out: BinaryIO) -> None:
    async with aclosing(table):
        async for piece in table:
            out.write(piece)
