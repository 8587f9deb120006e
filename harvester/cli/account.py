"""`harvester account`: what customers have, where it came from, and where it went."""

from collections.abc import Sequence
from typing import Final

import click

from harvester.cli.acting import acting, actor_option
from harvester.cli.output import json_option, print_fields, print_table
from harvester.cli.services import Services, with_services
from harvester.domain.acts import By
from harvester.domain.invoice import Invoice
from harvester.domain.money import format_amount
from harvester.services.account_views import customer_json, history_json, settled_json
from harvester.services.payments import MAX_PAGE, MAX_PAYMENT_ID
from harvester.storage.credit import AccountKind, Owner

_GRANTED: Final = "granted by you"
_currency = click.option("--currency", metavar="TICKER", help="In which; default: the first one configured.")


@click.group()
def command() -> None:
    """Show customers' credit, and use it."""


@command.command()
@click.argument("customer_id", metavar="CUSTOMER")
@_currency
@json_option
@with_services
async def show(services: Services, customer_id: str, currency: str | None, as_json: bool) -> None:
    """Show what a customer has, by address, and what he owes."""
    customer = await services.accounts.show(customer_id, _ticker(services, currency))
    if as_json:
        click.echo(customer_json(customer))
        return
    decimals, ticker = customer.currency.decimals, customer.currency.ticker
    print_fields(
        {
            "customer": customer.customer_id,
            "balance": f"{format_amount(customer.balance, decimals)} {ticker}",
            "owed": f"{format_amount(customer.owed, decimals)} {ticker}",
        }
    )
    click.echo()
    accounts = [(_GRANTED, customer.own), *customer.addresses]
    print_table(
        ["account", "gained", "spent", "balance"],
        [
            (name, *(format_amount(amount, decimals) for amount in (each.gained, each.spent, each.balance)))
            for name, each in accounts
        ],
    )


@command.command()
@click.argument("customer_id", metavar="CUSTOMER", required=False)
@click.option("--address", help="Those of this address, in place of a customer's.")
@click.option("--limit", type=click.IntRange(1, MAX_PAGE), default=20, show_default=True, help="How many.")
@click.option("--before", metavar="N", type=click.IntRange(1, MAX_PAYMENT_ID), help="Only those before this entry.")
@_currency
@json_option
@with_services
async def history(
    services: Services,
    customer_id: str | None,
    address: str | None,
    limit: int,
    before: int | None,
    currency: str | None,
    as_json: bool,
) -> None:
    """List what came and went, the newest first: what you granted CUSTOMER, and all his addresses."""
    ticker = _ticker(services, currency)
    if (customer_id is None) == (address is None):
        raise click.UsageError("CUSTOMER or --address is expected.")
    asset = services.chains.currency(ticker)
    if address is not None:
        owner = Owner(AccountKind.ADDRESS, services.chains.parse_address(asset.chain, address))
    else:
        owner = Owner(AccountKind.CUSTOMER, customer_id or "")
    lines = await services.accounts.history(owner, ticker, limit, before)
    if as_json:
        click.echo(history_json(lines, limit))
        return
    print_table(
        ["entry", "when", "what", "amount", "account", "payment", "invoice", "by", "reason"],
        [
            (
                line.number,
                line.created_at,
                line.kind,
                format_amount(line.amount, asset.decimals),
                line.owner.name if line.owner.kind is AccountKind.ADDRESS else _GRANTED,
                line.payment_id,
                line.invoice_id,
                line.actor,
                line.reason,
            )
            for line in lines
        ],
    )


@command.command()
@click.argument("customer_id", metavar="CUSTOMER")
@_currency
@actor_option
@json_option
@with_services
async def settle(services: Services, customer_id: str, currency: str | None, actor: str, as_json: bool) -> None:
    """Pay what a customer owes from all that he has, order by order."""
    _print_paid(
        await services.accounts.settle_customer(customer_id, _ticker(services, currency), By(actor, None)), as_json
    )


@command.command()
@click.argument("customer_id", metavar="CUSTOMER")
@click.argument("address")
@_currency
@acting(reason_required=False)
@json_option
@with_services
async def link(
    services: Services,
    customer_id: str,
    address: str,
    currency: str | None,
    by: By,
    as_json: bool,
) -> None:
    """Tie ADDRESS to CUSTOMER, whose it is by your word: money from there pays what he owes, now and later."""
    _print_paid(await services.accounts.link(customer_id, address, _ticker(services, currency), by), as_json)


def _print_paid(paid: Sequence[Invoice], as_json: bool) -> None:
    if as_json:
        click.echo(settled_json(paid))
        return
    print_table(["order", "invoice", "amount"], [(order.order_id, order.id, _whole(order)) for order in paid])


def _whole(order: Invoice) -> str:
    return f"{format_amount(order.amount, order.decimals)} {order.ticker}"


def _ticker(services: Services, currency: str | None) -> str:
    return currency or services.chains.first_currency().ticker
