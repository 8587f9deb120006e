"""`harvester invoice`: what the private API does, without a running daemon."""

import click
import orjson

from harvester.api.schemas import parse_draft
from harvester.cli import invoice_list, invoice_show
from harvester.cli.invoice_show import print_invoice
from harvester.cli.output import json_option
from harvester.cli.services import Services, with_services
from harvester.domain.identifiers import parse_invoice_id

_CAUSE = "cli"


@click.group()
def command() -> None:
    """Create, show, list and cancel invoices."""


@command.command()
@click.argument("amount")
@click.argument("currency")
@click.option("--life-time", type=int, default=3600, show_default=True, help="Seconds until it expires.")
@click.option("--merchant-name", default="Merchant", show_default=True, help="Who asks for the money.")
@click.option("--goods", multiple=True, help="Something that is bought; may be repeated.")
@click.option("--private-info", default="{}", help="A JSON object that only the merchant sees.")
@click.option("--order-id", metavar="TEXT", help="Your number of what is paid for; no two invoices have the same.")
@click.option("--customer-id", metavar="TEXT", help="Your name for who pays.")
@json_option
@with_services  # type: ignore[arg-type]  # mypy cannot bind a ParamSpec to `**members`
async def create(
    services: Services,
    amount: str,
    currency: str,
    merchant_name: str,
    goods: tuple[str, ...],
    private_info: str,
    as_json: bool,
    **members: object,
) -> None:
    """Create an invoice of AMOUNT base units of CURRENCY."""
    metadata = {"merchant_name": merchant_name, "goods": [{"name": name} for name in goods]}
    body = {"amount": amount, "currency": currency, "metadata": metadata} | members
    text = orjson.dumps(body)[:-1] + b',"private_info":' + private_info.encode() + b"}"
    print_invoice(services, await services.invoicing.create(parse_draft(text), _CAUSE), as_json)


@command.command()
@click.argument("invoice_id")
@json_option
@with_services
async def cancel(services: Services, invoice_id: str, as_json: bool) -> None:
    """Cancel an invoice that is waiting."""
    print_invoice(services, await services.invoicing.cancel(parse_invoice_id(invoice_id), _CAUSE), as_json)


command.add_command(invoice_list.command)
command.add_command(invoice_show.command)
