"""`harvester order`: invoices that a storefront placed, named by its own ids."""

from typing import Final

import click

from harvester.api.invoice_filters import ORDERS, parse_extract, parse_order_filter
from harvester.api.schemas import DEFAULT_LIMIT
from harvester.cli.acting import acting_by, actor_option, reason_option
from harvester.cli.filters import MOMENT, as_query
from harvester.cli.invoice_show import print_invoice
from harvester.cli.output import json_option, print_table
from harvester.cli.services import Services, with_services
from harvester.domain.invoice import Invoice
from harvester.domain.money import format_amount
from harvester.services.rendering import list_json, private_json

_COLUMNS: Final = ["order", "also", "customer", "status", "amount", "currency", "price", "created", "expires"]

_order_id: Final = click.argument("order_id", metavar="ORDER")


@click.group()
def command() -> None:
    """List and show orders, and decide about them."""


@command.command("list")
@click.option("--limit", default=str(DEFAULT_LIMIT), show_default=True, help="How many, 1 to 1000.")
@click.option("--after", metavar="ID", help="Only what follows this invoice in the list.")
@click.option("--before", metavar="ID", help="Only what comes before this invoice in the list, up to it.")
@click.option("--order", type=click.Choice(ORDERS), help="Of creation: oldest first (asc, as usual) or newest first.")
@click.option("--status", help="unclaimed, waiting, paid, cancelled, expired, or several with commas between them.")
@click.option("--customer-id", metavar="TEXT", help="Whose.")
@click.option("--since", type=MOMENT, help="Created then or later (UTC).")
@click.option("--until", type=MOMENT, help="Created before that (UTC).")
@click.option("--address", help="Who settled it.")
@json_option
@with_services  # type: ignore[arg-type]  # mypy cannot bind a ParamSpec to `**options`
async def list_orders(services: Services, as_json: bool, **options: object) -> None:
    """List orders in order of creation."""
    query = as_query(options)
    page = await services.invoicing.page(parse_order_filter(query, services.chains), parse_extract(query))
    if as_json:
        texts = (private_json(order, services.chains.payment_request(order)) for order in page.invoices)
        click.echo(list_json(texts, page.following, page.preceding))
        return
    print_table(_COLUMNS, map(_row, page.invoices))


@command.command()
@_order_id
@json_option
@with_services
async def show(services: Services, order_id: str, as_json: bool) -> None:
    """Show an order by its id."""
    print_invoice(services, await services.accounts.order(order_id), as_json)


@command.command()
@_order_id
@click.argument("address")
@reason_option(required=False)
@actor_option
@json_option
@with_services
async def claim(
    services: Services, order_id: str, address: str, reason: str | None, actor_name: str | None, as_json: bool
) -> None:
    """Tie an unclaimed order to the owner of ADDRESS, and pay it from there if it can."""
    order = await services.accounts.claim(order_id, address, acting_by(actor_name, reason))
    print_invoice(services, order, as_json)


@command.command()
@_order_id
@reason_option(required=True)
@actor_option
@json_option
@with_services
async def cancel(services: Services, order_id: str, reason: str, actor_name: str | None, as_json: bool) -> None:
    """Cancel an open order."""
    by = acting_by(actor_name, reason)
    order = await services.accounts.order(order_id)
    print_invoice(services, await services.invoicing.cancel(order.id, by.cause), as_json)


@command.command()
@_order_id
@reason_option(required=True)
@actor_option
@json_option
@with_services
async def fulfil(services: Services, order_id: str, reason: str, actor_name: str | None, as_json: bool) -> None:
    """Count an open order as paid; nobody's balance changes."""
    print_invoice(services, await services.accounts.fulfil(order_id, acting_by(actor_name, reason)), as_json)


@command.command()
@_order_id
@click.argument("customer_id", metavar="CUSTOMER")
@reason_option(required=True)
@actor_option
@json_option
@with_services
async def reassign(
    services: Services, order_id: str, customer_id: str, reason: str, actor_name: str | None, as_json: bool
) -> None:
    """Give an order that is not paid to another customer, who pays it if he can."""
    order = await services.accounts.reassign(order_id, customer_id, acting_by(actor_name, reason))
    print_invoice(services, order, as_json)


def _row(order: Invoice) -> tuple[object, ...]:
    return (
        order.order_id,
        order.alt_id,
        order.customer_id,
        order.status,
        format_amount(order.amount, order.decimals),
        order.ticker,
        order.price and f"{order.price.amount:f} {order.price.currency}",
        order.created_at,
        order.expires_at,
    )
