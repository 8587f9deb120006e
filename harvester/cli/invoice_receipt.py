"""`harvester invoice receipt`: what shows that an invoice was paid."""

from pathlib import Path

import click

from harvester.api.receipt_page import THERE_WERE_MORE, proof_facts, receipt_facts, receipt_page
from harvester.cli.files import whole_file
from harvester.cli.output import print_fields, print_table
from harvester.cli.services import Services, with_services
from harvester.domain.identifiers import parse_invoice_id
from harvester.domain.money import format_amount
from harvester.services.printed_receipts import PrintedReceipts


@click.command("receipt")
@click.argument("invoice_id")
@click.option(
    "--html", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write it there, as a page to print."
)
@with_services
async def command(services: Services, invoice_id: str, file: Path | None) -> None:
    """Show the receipt of a paid invoice."""
    receipt = await PrintedReceipts(services.database).get(parse_invoice_id(invoice_id))
    if file:
        with whole_file(file) as out:
            out.write(receipt_page(receipt).encode())
        return
    invoice = receipt.invoice
    print_fields({**receipt_facts(invoice), **proof_facts(invoice.proof)})
    click.echo()
    print_table(
        ["time", "amount", "payer", "transaction"],
        [
            (each.time, f"{format_amount(each.amount, invoice.decimals)} {invoice.ticker}", each.payer, each.tx_hash)
            for each in receipt.payments
        ],
    )
    if receipt.is_cut:
        click.echo(THERE_WERE_MORE)
