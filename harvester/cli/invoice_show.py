"""`harvester invoice show`: one invoice as people read it, with what came in for it and what became of it."""

import click

from harvester.cli.output import json_option, print_fields, print_table, shown
from harvester.cli.services import Services, with_services
from harvester.domain.identifiers import parse_invoice_id
from harvester.domain.invoice import Invoice
from harvester.domain.money import Price, format_amount
from harvester.domain.payment import Payment
from harvester.domain.rates import plain
from harvester.services.payments import MAX_PAGE
from harvester.services.rendering import private_json


@click.command("show")
@click.argument("invoice_id")
@json_option
@with_services
async def command(services: Services, invoice_id: str, as_json: bool) -> None:
    """Show one invoice; without --json, its events and payments too."""
    invoice, events = await services.invoicing.history(parse_invoice_id(invoice_id))
    print_invoice(services, invoice, as_json)
    if as_json:
        return
    click.echo()
    print_table(
        ["event", "what", "when", "by"], [(each.sequence, each.type, each.created_at, each.cause) for each in events]
    )
    payments = await services.payments.of_invoice(invoice.id, MAX_PAGE)
    if payments:
        click.echo()
        print_table(
            ["payment", "time", "class", "standing", "counts", "amount", "payer", "transaction"],
            [_payment(payment, invoice) for payment in payments],
        )


def print_invoice(services: Services, invoice: Invoice, as_json: bool) -> None:
    """Print an invoice alone."""
    request = services.chains.payment_request(invoice)
    if as_json:
        click.echo(private_json(invoice, request))
        return
    print_fields(
        {
            "id": invoice.id,
            "status": invoice.status,
            "order": invoice.order_id,
            "also": invoice.alt_id,
            "customer": invoice.customer_id,
            "amount": _amount(invoice.amount, invoice),
            "price": invoice.price and _price(invoice.price),
            "received": _amount(invoice.received, invoice),
            "from credit": _amount(invoice.credited, invoice) if invoice.credited else None,
            "pay to": invoice.pay_to_address,
            **{f"link ({name})": link for name, link in request.links.items()},
            "created": invoice.created_at,
            "claimed": invoice.claimed_at,
            "expires": invoice.expires_at,
            "paid at": invoice.paid_at,
            "paid by": invoice.paid_by,
            "transaction": invoice.tx_hash,
            "private info": invoice.private_info,
            "metadata": invoice.metadata,
            "proof": invoice.proof,
        }
    )


def _price(price: Price) -> str:
    return (
        f"{plain(price.amount)} {price.currency} at {plain(price.rate)} ({price.rate_source}, {shown(price.rate_at)})"
    )


def _payment(payment: Payment, invoice: Invoice) -> tuple[object, ...]:
    same_asset = (payment.chain, payment.asset) == (invoice.chain, invoice.asset)
    return (
        payment.id,
        payment.time,
        payment.assigned_class or payment.payment_class,
        payment.standing,
        "yes" if payment.counts_for == invoice.id else "no",
        _amount(payment.amount, invoice) if same_asset else f"{payment.amount} base units of {payment.asset}",
        payment.payer,
        payment.tx_hash,
    )


def _amount(amount: int, invoice: Invoice) -> str:
    return f"{format_amount(amount, invoice.decimals)} {invoice.ticker}"
