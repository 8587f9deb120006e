"""`harvester invoice`: what the private API does, without a running daemon."""

from uuid import UUID

import click
import orjson

from harvester.api.schemas import DEFAULT_LIMIT, parse_draft, parse_limit
from harvester.cli.output import json_option, print_fields, print_table
from harvester.cli.services import Services, with_services
from harvester.domain.identifiers import parse_invoice_id
from harvester.domain.invoice import Invoice
from harvester.domain.money import format_amount
from harvester.services.rendering import list_json, private_json

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
@json_option
@with_services
async def create(
    services: Services,
    amount: str,
    currency: str,
    life_time: int,
    merchant_name: str,
    goods: tuple[str, ...],
    private_info: str,
    as_json: bool,
) -> None:
    """Create an invoice of AMOUNT base units of CURRENCY."""
    metadata = {"merchant_name": merchant_name, "goods": [{"name": name} for name in goods]}
    body = {"amount": amount, "currency": currency, "life_time": life_time, "metadata": metadata}
    text = orjson.dumps(body)[:-1] + b',"private_info":' + private_info.encode() + b"}"
    _print(services, await services.invoicing.create(parse_draft(text), _CAUSE), as_json)


@command.command()
@click.argument("invoice_id")
@json_option
@with_services
async def show(services: Services, invoice_id: str, as_json: bool) -> None:
    """Show one invoice."""
    _print(services, await services.invoicing.get(parse_invoice_id(invoice_id)), as_json)


@command.command()
@click.argument("invoice_id")
@json_option
@with_services
async def cancel(services: Services, invoice_id: str, as_json: bool) -> None:
    """Cancel an invoice that is waiting."""
    _print(services, await services.invoicing.cancel(parse_invoice_id(invoice_id), _CAUSE), as_json)


@command.command("list")
@click.option("--limit", default=str(DEFAULT_LIMIT), show_default=True, help="How many, 1 to 1000.")
@click.option("--after", metavar="ID", help="Only those created after this one.")
@json_option
@with_services
async def list_invoices(services: Services, limit: str, after: str | None, as_json: bool) -> None:
    """List invoices in order of creation."""
    page = await services.invoicing.list(parse_limit(limit), _optional_id(after))
    if as_json:
        requests = services.chains.payment_request
        click.echo(list_json(private_json(invoice, requests(invoice)) for invoice in page))
        return
    print_table(
        ["id", "status", "amount", "currency", "received", "created", "expires"],
        [
            (
                invoice.id,
                invoice.status,
                format_amount(invoice.amount, invoice.decimals),
                invoice.ticker,
                format_amount(invoice.received, invoice.decimals),
                invoice.created_at,
                invoice.expires_at,
            )
            for invoice in page
        ],
    )


def _optional_id(text: str | None) -> UUID | None:
    return None if text is None else parse_invoice_id(text)


def _print(services: Services, invoice: Invoice, as_json: bool) -> None:
    request = services.chains.payment_request(invoice)
    if as_json:
        click.echo(private_json(invoice, request))
        return
    print_fields(
        {
            "id": invoice.id,
            "status": invoice.status,
            "amount": f"{format_amount(invoice.amount, invoice.decimals)} {invoice.ticker}",
            "received": f"{format_amount(invoice.received, invoice.decimals)} {invoice.ticker}",
            "pay to": invoice.pay_to_address,
            **{f"link ({name})": link for name, link in request.links.items()},
            "created": invoice.created_at,
            "expires": invoice.expires_at,
            "paid at": invoice.paid_at,
            "paid by": invoice.paid_by,
            "transaction": invoice.tx_hash,
            "private info": invoice.private_info,
            "metadata": invoice.metadata,
        }
    )
