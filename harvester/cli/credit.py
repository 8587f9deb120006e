"""`harvester credit`: money that the merchant grants customers."""

import click

from harvester.cli.acting import acting
from harvester.cli.output import json_option, print_fields
from harvester.cli.services import Services, with_services
from harvester.domain.acts import By
from harvester.domain.identifiers import merchant_text
from harvester.domain.money import format_amount, parse_signed
from harvester.services.account_views import issued_json


@click.group()
def command() -> None:
    """Grant customers credit."""


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("customer_id", metavar="CUSTOMER")
@click.argument("amount")
@click.option("--currency", metavar="TICKER", help="In which; default: the first one configured.")
@acting(reason_required=True)
@json_option
@with_services
async def issue(
    services: Services,
    customer_id: str,
    amount: str,
    currency: str | None,
    by: By,
    as_json: bool,
) -> None:
    """Grant CUSTOMER AMOUNT base units, or take as much away if it is negative; then he pays what he owes."""
    issued = await services.accounts.issue(
        merchant_text(customer_id, "CUSTOMER"),
        parse_signed(amount, "AMOUNT"),
        currency or services.chains.first_currency().ticker,
        by,
    )
    if as_json:
        click.echo(issued_json(issued))
        return
    print_fields(
        {
            "credit note": issued.number,
            "customer": issued.customer_id,
            "amount": f"{format_amount(issued.amount, issued.currency.decimals)} {issued.currency.ticker}",
            "paid": ", ".join(order.order_id or str(order.id) for order in issued.paid) or None,
        }
    )
