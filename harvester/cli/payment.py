"""`harvester payment`: every transfer that came in, what it meant, and what people made of it."""

from typing import Final

import click
import orjson

from harvester.api.payment_schemas import parse_filter
from harvester.cli.acting import acting
from harvester.cli.filters import MOMENT, as_query
from harvester.cli.output import json_option, print_fields, print_table
from harvester.cli.services import Services, with_services
from harvester.domain.acts import By
from harvester.domain.identifiers import parse_invoice_id
from harvester.domain.payment import Payment, PaymentClass, Standing
from harvester.services.payments import MAX_PAGE, MAX_PAYMENT_ID
from harvester.services.rendering import payment_json, payments_json

_payment_id: Final = click.argument("payment_id", metavar="ID", type=click.IntRange(1, MAX_PAYMENT_ID))


@click.group()
def command() -> None:
    """List and show payments; say what one was for."""


@command.command("list")
@click.option("--limit", type=click.IntRange(1, MAX_PAGE), default=20, show_default=True, help="How many.")
@click.option("--before", metavar="ID", type=click.IntRange(1, MAX_PAYMENT_ID), help="Only those that follow this one.")
@click.option("--class", "class", type=click.Choice([each.value for each in PaymentClass]), help="As recorded.")
@click.option("--standing", type=click.Choice([each.value for each in Standing]), help="What has become of it.")
@click.option("--asset", help="A ticker, or an asset as the list shows it.")
@click.option("--since", type=MOMENT, help="Made then or later, by chain time (UTC).")
@click.option("--until", type=MOMENT, help="Made before that, by chain time (UTC).")
@click.option("--text", help="Is part of what the payer wrote.")
@click.option("--payer", metavar="ADDRESS", help="Who paid.")
@click.option("--invoice", "invoice_id", metavar="ID", help="Named this invoice, or was assigned to it.")
@json_option
@with_services  # type: ignore[arg-type]  # mypy cannot bind a ParamSpec to `**filters`
async def list_payments(services: Services, limit: int, before: int | None, as_json: bool, **filters: object) -> None:
    """List incoming transfers with their class, newest first by chain time. Amounts are base units."""
    page = await services.payments.page(parse_filter(as_query(filters), services.chains), limit, before)
    if as_json:
        click.echo(payments_json(page, limit))
        return
    print_table(
        ["id", "time", "class", "standing", "amount", "asset", "payer", "invoice", "transaction", "reason"],
        [
            (
                payment.id,
                payment.time,
                payment.payment_class,
                payment.standing,
                payment.amount,
                payment.asset,
                payment.payer,
                payment.assigned_to or payment.invoice_id,
                payment.tx_hash,
                payment.reason,
            )
            for payment in page
        ],
    )


@command.command()
@_payment_id
@json_option
@with_services
async def show(services: Services, payment_id: int, as_json: bool) -> None:
    """Show one payment with everything that is known of it: what it was proven from, and what was done with it."""
    payment, acts = await services.payments.show(payment_id)
    if as_json:
        click.echo(payment_json(payment, acts))
        return
    _print(payment, as_json)
    print_table(
        ["done", "what", "by", "invoice", "meaning", "reason"],
        [(act.created_at, act.kind, act.actor, act.invoice_id, act.payment_class, act.reason) for act in acts],
    )


@command.command()
@_payment_id
@click.argument("invoice_id")
@acting(reason_required=False)
@json_option
@with_services
async def assign(services: Services, payment_id: int, invoice_id: str, by: By, as_json: bool) -> None:
    """Let a payment that counts for no invoice count for INVOICE_ID, which it may settle."""
    _print(await services.payments.assign(payment_id, parse_invoice_id(invoice_id), by), as_json)


@command.command()
@_payment_id
@acting(reason_required=False)
@json_option
@with_services
async def unassign(services: Services, payment_id: int, by: By, as_json: bool) -> None:
    """Take back an assignment, unless it settled the invoice."""
    _print(await services.payments.unassign(payment_id, by), as_json)


@command.command()
@_payment_id
@acting(reason_required=True)
@json_option
@with_services
async def refund(services: Services, payment_id: int, by: By, as_json: bool) -> None:
    """Note that you have sent the money back (the harvester cannot spend)."""
    _print(await services.payments.refund(payment_id, by), as_json)


@command.command()
@_payment_id
@acting(reason_required=True)
@json_option
@with_services
async def ignore(services: Services, payment_id: int, by: By, as_json: bool) -> None:
    """Note that nothing needs to be done about a payment."""
    _print(await services.payments.ignore(payment_id, by), as_json)


def _print(payment: Payment, as_json: bool) -> None:
    view = payment_json(payment)
    if as_json:
        click.echo(view)
    else:
        print_fields({name.replace("_", " "): value for name, value in orjson.loads(view).items()})
