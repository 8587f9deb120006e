"""`harvester invoice list`: what the API's list does, without a running daemon; `order list` does it alike."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import click

from harvester.api.invoice_filters import ORDERS, parse_extract, parse_filter
from harvester.api.schemas import DEFAULT_LIMIT
from harvester.cli.filters import MOMENT, as_query
from harvester.cli.output import json_option, print_table
from harvester.cli.services import Services, with_services
from harvester.domain.invoice import Invoice
from harvester.domain.money import format_amount
from harvester.services.rendering import list_json, private_json
from harvester.storage.invoice_pages import InvoiceFilter

_PAGE_OPTIONS: Final = (
    click.option("--limit", default=str(DEFAULT_LIMIT), show_default=True, help="How many, 1 to 1000."),
    click.option("--after", metavar="ID", help="Only what follows this invoice in the list."),
    click.option("--before", metavar="ID", help="Only what comes before this invoice in the list, up to it."),
    click.option(
        "--order", type=click.Choice(ORDERS), help="Of creation: oldest first (asc, as usual) or newest first."
    ),
    click.option("--since", type=MOMENT, help="Created then or later (UTC)."),
    click.option("--until", type=MOMENT, help="Created before that (UTC)."),
    click.option("--address", help="Who settled it."),
)
_COLUMNS: Final = ["id", "status", "amount", "currency", "received", "created", "expires", "order", "customer"]


def page_options(work: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that lists of invoices and of orders have."""
    for option in reversed(_PAGE_OPTIONS):
        work = option(work)
    return work


async def print_page(
    services: Services,
    query: Mapping[str, str],
    wanted: InvoiceFilter,
    as_json: bool,
    columns: Sequence[str],
    row: Callable[[Invoice], Sequence[object]],
) -> None:
    """Print the part of a list that `query` asks for: as the API has it, or a table of these columns."""
    page = await services.invoicing.page(wanted, parse_extract(query))
    if as_json:
        requests = services.chains.payment_request
        texts = (private_json(invoice, requests(invoice)) for invoice in page.invoices)
        click.echo(list_json(texts, page.following, page.preceding))
    else:
        print_table(columns, map(row, page.invoices))


@click.command("list")
@page_options
@click.option("--status", help="waiting, paid, cancelled, expired, or several with commas between them.")
@click.option("--currency", metavar="TICKER", help="As the list shows it.")
@click.option("--order-id", metavar="TEXT", help="Your number of the order.")
@click.option("--customer-id", metavar="TEXT", help="Your name for the customer.")
@click.option("--tx-hash", metavar="HEX", help="A payment in this transaction was for it.")
@json_option
@with_services  # type: ignore[arg-type]  # mypy cannot bind a ParamSpec to `**options`
async def command(services: Services, as_json: bool, **options: object) -> None:
    """List invoices in order of creation."""
    query = as_query(options)
    await print_page(services, query, parse_filter(query, services.chains), as_json, _COLUMNS, _row)


def _row(invoice: Invoice) -> tuple[object, ...]:
    return (
        invoice.id,
        invoice.status,
        format_amount(invoice.amount, invoice.decimals),
        invoice.ticker,
        format_amount(invoice.received, invoice.decimals),
        invoice.created_at,
        invoice.expires_at,
        invoice.order_id,
        invoice.customer_id,
    )
