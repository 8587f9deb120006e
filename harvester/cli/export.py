"""`harvester export`: payments and invoices as CSV for accounting."""

import sys
from contextlib import aclosing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from harvester.cli.files import whole_file
from harvester.cli.filters import MOMENT
from harvester.cli.services import Services, with_services
from harvester.domain.rates import parse_currency
from harvester.services.exports import Exports, Wanted

_ALL: Final = Wanted()


@click.command()
@click.argument("what", type=click.Choice(["payments", "invoices"]))
@click.option("--since", type=MOMENT, help="Made then or later (UTC): payments by chain time, invoices by creation.")
@click.option("--until", type=MOMENT, help="Made before that (UTC).")
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
    async with aclosing(exports.payments(wanted) if what == "payments" else exports.invoices(wanted)) as table:
        with whole_file(file) if file else nullcontext(sys.stdout.buffer) as out:
            async for piece in table:
                out.write(piece)
