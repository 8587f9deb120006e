"""The working page of one batch."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from harvester.chain import Batch
from harvester.domain.events import Event
from harvester.domain.invoice import Invoice, expire, receive
from harvester.domain.lifecycle import OPEN
from harvester.domain.payment import Payment, PaymentClass, Standing, Transfer
from harvester.services.chains import Chains
from harvester.services.invoicing import new_event, next_event
from harvester.services.payment_events import recorded_events

Classed = tuple[Transfer, PaymentClass, str | None, UUID | None]
"""A transfer, its class, the reason of that, and the invoice that it is meant for."""


class Book:
    """Applies the domain's rules to locked invoices, in memory."""

    def __init__(
        self, chains: Chains, batch: Batch, now: datetime, tolerance_ppm: int, *, credit_unmatched: bool
    ) -> None:
        self.now = now
        self._proof = batch.proof
        self._credit_unmatched = credit_unmatched
        self._tolerance_ppm = tolerance_ppm
        self.classed: list[Classed] = []
        self.events: list[Event] = []
        self._chains = chains
        self._account = batch.account
        self._stored: dict[UUID, Invoice] = {}
        self._current: dict[UUID, Invoice] = {}

    def know(self, locked: dict[UUID, Invoice]) -> None:
        """Take in invoices as they are stored; their rows are locked."""
        self._stored |= locked
        self._current |= locked

    def is_credit(self, transfer: Transfer) -> bool:
        """Say whether a transfer is its sender's credit."""
        unnamed = transfer.invoice_id is None and not transfer.ignored and transfer.asset == self._account.asset
        return self._credit_unmatched and unnamed

    def enter(self, transfer: Transfer) -> None:
        """Class a new transfer and apply it to the invoice it names."""
        if transfer.ignored:
            self.classed.append((transfer, PaymentClass.IGNORED, transfer.reason, None))
            return
        if self.is_credit(transfer):
            self.classed.append((transfer, PaymentClass.CREDIT, transfer.reason, None))
            return
        invoice = self._current.get(transfer.invoice_id) if transfer.invoice_id else None
        if invoice is None:
            unknown = transfer.reason or "names an invoice that does not exist"
            self.classed.append((transfer, PaymentClass.UNMATCHED, unknown, None))
            return
        if self._proves_the_end_of(invoice, transfer):
            invoice = self.expire(invoice.id)
        payment_class, after = receive(
            invoice, transfer, self._account.pay_to_address, self.now, self._proof, self._tolerance_ppm
        )
        if after.status is not invoice.status:
            after = self._tell(after, f"chain:{transfer.tx_hash}")
        self._current[invoice.id] = after
        reason = transfer.reason
        if payment_class is PaymentClass.EXACT and after.shortfall:
            reason = f"short by {after.shortfall} base units, within UNDERPAYMENT_TOLERANCE"
        self.classed.append((transfer, payment_class, reason, invoice.id))

    def tell_payments(self, ids: Mapping[tuple[str, int], int]) -> None:
        """Make the events of the payments that were classed, which have been stored under `ids`."""
        for transfer, payment_class, reason, invoice_id in self.classed:
            number = ids[transfer.tx_hash, transfer.index]
            self.events += recorded_events(self._payment(number, transfer, payment_class, reason, invoice_id))

    def expire(self, invoice_id: UUID) -> Invoice:
        """Expire an open invoice; return it as it is then."""
        expired = self._tell(expire(self._current[invoice_id], self.now), f"scan:{self._account.address}")
        self._current[invoice_id] = expired
        return expired

    def take_changes(self) -> Sequence[tuple[Invoice, Invoice]]:
        """Return what has changed since the last call, as (stored, now), and count it as stored."""
        changes = [
            (stored, self._current[invoice_id])
            for invoice_id, stored in self._stored.items()
            if self._current[invoice_id] is not stored
        ]
        self._stored |= self._current
        return changes

    def _payment(
        self, number: int, transfer: Transfer, payment_class: PaymentClass, reason: str | None, invoice_id: UUID | None
    ) -> Payment:
        return Payment(
            id=number,
            chain=self._account.chain,
            tx_hash=transfer.tx_hash,
            transfer_index=transfer.index,
            account_address=self._account.address,
            pay_to_address=self._account.pay_to_address,
            asset=transfer.asset,
            amount=transfer.amount,
            payer=transfer.payer,
            time=transfer.time,
            payment_class=payment_class,
            reason=reason,
            text=transfer.text,
            reference=transfer.invoice_id,
            invoice_id=invoice_id,
            proof=self._proof,
            recorded_at=self.now,
            standing=Standing.IGNORED if payment_class is PaymentClass.IGNORED else Standing.RECORDED,
        )

    def _proves_the_end_of(self, invoice: Invoice, transfer: Transfer) -> bool:
        # A history is read oldest first: once it has come to a later moment, no transfer in time can follow.
        paid_here = (invoice.chain, invoice.pay_to_address, invoice.asset) == (
            self._account.chain,
            self._account.pay_to_address,
            self._account.asset,
        )
        return paid_here and invoice.status in OPEN and transfer.time > invoice.expires_at

    def _tell(self, invoice: Invoice, cause: str) -> Invoice:
        told = next_event(invoice)
        self.events.append(new_event(told, self._chains, cause))
        return told
