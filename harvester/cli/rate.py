"""`harvester rate`: what whole units of assets cost, for invoices with a price and for exports."""

import click

from harvester.cli.acting import actor_option
from harvester.cli.durations import read_duration
from harvester.cli.output import json_option, print_fields, print_json, print_table
from harvester.cli.services import Services, with_services
from harvester.domain.money import Currency
from harvester.domain.rates import Rate, parse_currency, parse_rate, plain
from harvester.services.rates import rate_view


@click.group()
def command() -> None:
    """Say, and show, what one whole unit of an asset costs."""


@command.command("set")
@click.argument("currency")
@click.argument("rate")
@click.option("--ticker", help="Of what; default: the coin of the first chain.")
@click.option("--valid", "valid_secs", metavar="2h", callback=read_duration, help="How long; default: RATE_VALID_SECS.")
@actor_option
@json_option
@with_services
async def set_rate(
    services: Services,
    currency: str,
    rate: str,
    ticker: str | None,
    valid_secs: int | None,
    actor: str,
    as_json: bool,
) -> None:
    """Say that one whole unit costs RATE in CURRENCY from now on, such as `set USD 5.23`."""
    pair, number = services.rates.pair(parse_currency(currency), ticker), parse_rate(rate)
    added = await services.rates.add(pair, number, actor, valid_secs)
    _print(services, added, pair.asset, as_json)


@command.command()
@json_option
@with_services
async def show(services: Services, as_json: bool) -> None:
    """Show the last rate of each asset and currency."""
    now, found = services.rates.now(), await services.rates.list()
    if as_json:
        print_json({"rates": [rate_view(rate, asset, now) for rate, asset in found]})
        return
    print_table(
        ["asset", "currency", "rate", "valid", "valid until", "made", "source"],
        [
            (
                asset.ticker if asset else f"{rate.chain} {rate.asset}",
                rate.currency,
                plain(rate.rate),
                "yes" if now < rate.valid_until else "no",
                rate.valid_until,
                rate.created_at,
                rate.source,
            )
            for rate, asset in found
        ],
    )


def _print(services: Services, rate: Rate, asset: Currency, as_json: bool) -> None:
    if as_json:
        print_json(rate_view(rate, asset, services.rates.now()))
        return
    print_fields(
        {
            f"1 {asset.ticker}": f"{plain(rate.rate)} {rate.currency}",
            "valid until": rate.valid_until,
            "source": rate.source,
        }
    )
