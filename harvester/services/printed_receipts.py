"""What shows that an invoice was paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from harvester.domain.errors import ActRefused
from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import Status
from harvester.domain.payment import Payment
from harvester.services.invoicing import get_invoice
from harvester.storage import payments
from harvester.storage.database import Database
from harvester.storage.payments import PaymentFilter

MAX_PAYMENTS: Final = 100


@dataclass(frozen=True, slots=True)
class PrintedReceipt:
    """A paid invoice, with what was paid for it."""

    invoice: Invoice
    payments: Sequence[Payment]
    """Those that count for it, oldest first by chain time, of the last MAX_PAYMENTS that are about it."""
    is_cut: bool
    """Whether there were payments before these."""


class PrintedReceipts:
    """Receipts as the merchant sees them. All methods may raise Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, invoice_id: UUID) -> PrintedReceipt:
        """Return the receipt of an invoice.

        Raises:
            NotFound: there is no such invoice.
            ActRefused: it is not paid.
        """
        async with self._database.connection() as connection:
            invoice = await get_invoice(connection, invoice_id)
            if invoice.status is not Status.PAID:
                raise ActRefused(f"invoice {invoice_id} is {invoice.status}: only a paid one has a receipt")
            found = await payments.page(connection, PaymentFilter(invoice_id=invoice_id), MAX_PAYMENTS + 1) or []
        listed = [payment for payment in reversed(found[:MAX_PAYMENTS]) if payment.counts_for == invoice_id]
        return PrintedReceipt(invoice, listed, is_cut=len(found) > MAX_PAYMENTS)
