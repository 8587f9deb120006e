"""`harvester payment`: every transfer that came in, and what it meant."""

import json
from dataclasses import asdict

import click

from harvester.cli.output import json_option, print_json, print_table, unix_seconds_of
from harvester.cli.services import Services, with_services
from harvester.domain.errors import NotFound
from harvester.domain.identifiers import parse_uuid
from harvester.domain.payment import PaymentClass
from harvester.storage import payments
from harvester.storage.payments import Payment


@click.group()
def command() -> None:
    """List and show payments."""


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--before", metavar="ID", type=click.IntRange(1, 2**63 - 1), help="Only those recorded before this one.")
@click.option("--class", "payment_class", type=click.Choice([item.value for item in PaymentClass]))
@click.option("--invoice", "invoice_id", metavar="ID", help="Only those for this invoice.")
@json_option
@with_services
async def list_payments(
    services: Services,
    limit: int,
    before: int | None,
    payment_class: str | None,
    invoice_id: str | None,
    as_json: bool,
) -> None:
    """List incoming transfers with their class, newest first. Amounts are base units."""
    wanted = PaymentClass(payment_class) if payment_class else None
    async with services.database.connection() as connection:
        page = await payments.page(connection, limit, before, wanted, parse_uuid(invoice_id) if invoice_id else None)
    if as_json:
        print_json({"payments": [_view(payment) for payment in page]})
        return
    print_table(
        ["id", "time", "class", "amount", "asset", "payer", "invoice", "transaction", "reason"],
        [
            (
                payment.id,
                payment.time,
                payment.payment_class,
                payment.amount,
                payment.asset,
                payment.payer,
                payment.invoice_id,
                payment.tx_hash,
                payment.reason,
            )
            for payment in page
        ],
    )


@command.command("show")
@click.argument("payment_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@json_option
@with_services
async def show_payment(services: Services, payment_id: int, as_json: bool) -> None:
    """Show one payment with everything that is known of it, and what it was proven from."""
    async with services.database.connection() as connection:
        payment = await payments.get(connection, payment_id)
    if payment is None:
        raise NotFound(f"there is no payment {payment_id}")
    if as_json:
        print_json(_view(payment))
    else:
        print_table(["member", "value"], [(name, value) for name, value in _view(payment).items() if value is not None])


def _view(payment: Payment) -> dict[str, object]:
    view = unix_seconds_of(asdict(payment))
    view["class"] = view.pop("payment_class")
    view["amount"] = str(payment.amount)
    view["proof"] = None if payment.proof is None else json.loads(payment.proof)
    return view
