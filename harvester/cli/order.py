"""`harvester order`: invoices that a storefront placed, named by its own ids."""

from typing import Final

import click

from harvester.api.invoice_filters import parse_order_filter
from harvester.cli.acting import acting
from harvester.cli.filters import as_query
from harvester.cli.invoice_list import page_options, print_page
from harvester.cli.invoice_show import print_invoice
from harvester.cli.output import json_option
from harvester.cli.services import Services, with_services
from harvester.domain.acts import By
from harvester.domain.invoice import Invoice
from harvester.domain.money import format_amount

_COLUMNS: Final = ["order", "also", "customer", "status", "amount", "currency", "price", "created", "expires"]

_order_id: Final = click.argument("order_id", metavar="ORDER")


@click.group()
def command() -> None:
    """List and show orders, and decide about them."""


@command.command("list")
@page_options
@click.option("--status", help="unclaimed, waiting, paid, cancelled, expired, or several with commas between them.")
@click.option("--customer-id", metavar="TEXT", help="Whose.")
@json_option
@with_services  # type: ignore[arg-type]  # mypy cannot bind a ParamSpec to `**options`
async def list_orders(services: Services, as_json: bool, **options: object) -> None:
    """List orders in order of creation."""
    query = as_query(options)
    await print_page(services, query, parse_order_filter(query, services.chains), as_json, _COLUMNS, _row)


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
@acting(reason_required=False)
@json_option
@with_services
async def claim(services: Services, order_id: str, address: str, by: By, as_json: bool) -> None:
    """Tie an unclaimed order to the owner of ADDRESS, and pay it from there if it can."""
    order = await services.accounts.claim(order_id, address, by)
    print_invoice(services, order, as_json)


@command.command()
@_order_id
@acting(reason_required=True)
@json_option
@with_services
async def cancel(services: Services, order_id: str, by: By, as_json: bool) -> None:
    """Cancel an open order."""
    order = await services.accounts.order(order_id)
    print_invoice(services, await services.invoicing.cancel(order.id, by.cause), as_json)


@command.command()
@_order_id
@acting(reason_required=True)
@json_option
@with_services
async def fulfil(services: Services, order_id: str, by: By, as_json: bool) -> None:
    """Count an open order as paid; nobody's balance changes."""
    print_invoice(services, await services.accounts.fulfil(order_id, by), as_json)


@command.command()
@_order_id
@click.argument("customer_id", metavar="CUSTOMER")
@acting(reason_required=True)
@json_option
@with_services
async def reassign(services: Services, order_id: str, customer_id: str, by: By, as_json: bool) -> None:
    """Give an order that is not paid to another customer, who pays it if he can."""
    order = await services.accounts.reassign(order_id, customer_id, by)
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
