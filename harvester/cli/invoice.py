"""`harvester invoice`: what the private API does, without a running daemon."""

import click
import orjson

from harvester.api.json_text import split_object
from harvester.api.schemas import parse_draft
from harvester.cli import invoice_list, invoice_receipt, invoice_show
from harvester.cli.invoice_show import print_invoice
from harvester.cli.output import json_option
from harvester.cli.services import Services, with_services
from harvester.domain.identifiers import parse_invoice_id

_CAUSE = "cli"


def _object(_context: click.Context, _option: click.Parameter, text: str) -> str:
    """Return a JSON object as text: one that ended early would go on as members of the invoice."""
    split_object(text)
    return text


@click.group()
def command() -> None:
    """Create, show, list and cancel invoices."""


@command.command()
@click.argument("asked", nargs=-1, metavar="AMOUNT CURRENCY")
@click.option(
    "--price", nargs=2, metavar="12.50 USD", help="In place of AMOUNT; CURRENCY is then the coin if not given."
)
@click.option("--life-time", type=int, default=3600, show_default=True, help="Seconds until it expires.")
@click.option("--merchant-name", default="Merchant", show_default=True, help="Who asks for the money.")
@click.option("--goods", multiple=True, help="Something that is bought; may be repeated.")
@click.option("--private-info", default="{}", callback=_object, help="A JSON object that only the merchant sees.")
@click.option("--order-id", metavar="TEXT", help="Your number of what is paid for; no two invoices have the same.")
@click.option("--customer-id", metavar="TEXT", help="Your name for who pays.")
@json_option
@with_services  # type: ignore[arg-type]  # mypy cannot bind a ParamSpec to `**members`
async def create(
    services: Services,
    asked: tuple[str, ...],
    price: tuple[str, str] | None,
    merchant_name: str,
    goods: tuple[str, ...],
    private_info: str,
    as_json: bool,
    **members: object,
) -> None:
    """Create an invoice of AMOUNT base units of CURRENCY, or of a price that is paid in it."""
    metadata = {"merchant_name": merchant_name, "goods": [{"name": name} for name in goods]}
    body = _asked(services, asked, price) | {"metadata": metadata} | members
    text = orjson.dumps(body)[:-1] + b',"private_info":' + private_info.encode() + b"}"
    print_invoice(services, await services.invoicing.create(parse_draft(text), _CAUSE), as_json)


def _asked(services: Services, asked: tuple[str, ...], price: tuple[str, str] | None) -> dict[str, object]:
    if price is None:
        if len(asked) != 2:
            raise click.UsageError("AMOUNT and CURRENCY are expected, or --price.")
        return {"amount": asked[0], "currency": asked[1]}
    if len(asked) > 1:
        raise click.UsageError("With --price, CURRENCY alone is expected, or nothing.")
    ticker = asked[0] if asked else services.chains.first_currency().ticker
    return {"price": {"amount": price[0], "currency": price[1]}, "currency": ticker}


@command.command()
@click.argument("invoice_id")
@json_option
@with_services
async def cancel(services: Services, invoice_id: str, as_json: bool) -> None:
    """Cancel an invoice that is waiting."""
    print_invoice(services, await services.invoicing.cancel(parse_invoice_id(invoice_id), _CAUSE), as_json)


command.add_command(invoice_list.command)
command.add_command(invoice_show.command)
command.add_command(invoice_receipt.command)
