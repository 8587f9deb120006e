"""All the money that came in: look at it, and say what the ledger could not know.

Whatever is done with a payment is one transaction: the act, the invoice or the credit that it changes, and their
events. The payment's row is locked first, then the account of credit or the invoice's. Doing the same again changes
nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from harvester.chain import Clock
from harvester.domain.acts import Act, By, RecordedAct, assign, ignore, refund, unassign
from harvester.domain.errors import ActRefused, InvalidInput, NotFound
from harvester.domain.events import Event
from harvester.domain.invoice import Invoice
from harvester.domain.payment import Payment, PaymentClass, Standing
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.idempotency import Once, kept
from harvester.services.invoicing import get_invoice, new_event, next_event
from harvester.services.payment_events import act_event
from harvester.services.refunding import take_back
from harvester.storage import events, invoices, payment_acts, payments
from harvester.storage.database import Connection, Database
from harvester.storage.payments import PaymentFilter
from harvester.storage.signals import Signals

MAX_PAGE: Final = 1000
MAX_PAYMENT_ID: Final = 2**63 - 1


class Payments:
    """Payments as the merchant sees them. All methods may raise Unavailable, and KeyTaken if they take a `once`."""

    def __init__(
        self,
        database: Database,
        chains: Chains,
        clock: Clock,
        signals: Signals,
        metrics: Metrics,
        *,
        tolerance_ppm: int = 0,
    ) -> None:
        """Make the service; `tolerance_ppm`: millionths of an invoice's amount that may be missing."""
        self._database = database
        self._chains = chains
        self._clock = clock
        self._signals = signals
        self._metrics = metrics
        self._tolerance_ppm = tolerance_ppm

    async def page(self, wanted: PaymentFilter, limit: int, before: int | None = None) -> Sequence[Payment]:
        """Return at most `limit` (1 … MAX_PAGE) payments, newest first by chain time, or those that follow `before`.

        Raises:
            InvalidInput: the limit is out of range, or there is no payment `before`.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"limit must be from 1 to {MAX_PAGE}")
        if before is not None:
            _check_id(before)
        async with self._database.connection() as connection:
            page = await payments.page(connection, wanted, limit, before)
        if page is None:
            raise InvalidInput(f"unknown payment id: there is no payment {before}")
        return page

    async def of_invoice(self, invoice_id: UUID, limit: int, before: int | None = None) -> Sequence[Payment]:
        """Return a page, as `page` does, of the payments that named the invoice, or were assigned to it at some time.

        Raises:
            InvalidInput: the limit is out of range, or there is no payment `before`.
            NotFound: there is no such invoice.
        """
        page = await self.page(PaymentFilter(invoice_id=invoice_id), limit, before)
        if not page:
            async with self._database.connection() as connection:
                await get_invoice(connection, invoice_id)  # it may be that there is none
        return page

    async def show(self, payment_id: int) -> tuple[Payment, Sequence[RecordedAct]]:
        """Return the payment, and what was done with it, oldest first.

        Raises:
            NotFound: there is none.
        """
        _check_id(payment_id)
        async with self._database.connection() as connection:
            payment = await payments.get(connection, payment_id)
            if payment is None:
                raise NotFound(f"there is no payment {payment_id}")
            return payment, await payment_acts.of_payment(connection, payment_id)

    async def assign(self, payment_id: int, invoice_id: UUID, by: By, once: Once[Payment] | None = None) -> Payment:
        """Let a payment that counts for no invoice count for this one, which it may settle.

        Raises:
            NotFound: there is no such payment or invoice.
            ActRefused: see `domain.acts.assign`.
        """
        async with self._database.transaction() as connection:
            before = await _lock(connection, payment_id)
            if (before.standing, before.assigned_to) == (Standing.ASSIGNED, invoice_id):
                return await kept(once, connection, before, self._clock())
            invoice, now = await _lock_invoice(connection, invoice_id), self._clock()
            payment, after = assign(before, invoice, now, self._tolerance_ppm)
            settled = []
            if after.status is not invoice.status:
                after = next_event(after)
                settled.append(new_event(after, self._chains, by.actor))
            await invoices.update(connection, [(invoice, after)])
            await _write(connection, before, payment, _recorded(payment, Act.ASSIGNED, by, now), once, settled)
        self._announce(settled)
        return payment

    async def unassign(self, payment_id: int, by: By, once: Once[Payment] | None = None) -> Payment:
        """Take back an assignment; the payment counts for no invoice then.

        Raises:
            NotFound: there is no such payment.
            ActRefused: it is not assigned, or the invoice was settled with it.
        """
        async with self._database.transaction() as connection:
            before = await _lock(connection, payment_id)
            if before.standing is Standing.RECORDED and await _was_unassigned(connection, payment_id):
                return await kept(once, connection, before, self._clock())
            if before.standing is not Standing.ASSIGNED or before.assigned_to is None:
                raise ActRefused(f"payment {payment_id} is {before.standing}: only an assigned one can be taken back")
            invoice, now = await _lock_invoice(connection, before.assigned_to), self._clock()
            payment, after = unassign(before, invoice, now)
            await invoices.update(connection, [(invoice, after)])
            await _write(connection, before, payment, _recorded(payment, Act.UNASSIGNED, by, now), once)
        self._announce()
        return payment

    async def refund(self, payment_id: int, by: By, once: Once[Payment] | None = None) -> Payment:
        """Note that the money was sent back. No invoice changes: it has received what it has received.

        Credit is gone from its sender's account then.

        Raises:
            NotFound: there is no such payment.
            ActRefused: it is a part of what an open invoice has received, or credit that is not confirmed yet, or of
                which some was spent.
        """
        async with self._database.transaction() as connection:
            before = await _lock(connection, payment_id)
            if before.standing is Standing.REFUNDED:
                return await kept(once, connection, before, self._clock())
            counts_for = await _lock_invoice(connection, before.counts_for) if before.counts_for else None
            payment, now = refund(before, counts_for), self._clock()
            if payment.payment_class is PaymentClass.CREDIT:
                await take_back(connection, payment, by.actor, by.reason, now)
            await _write(connection, before, payment, _recorded(payment, Act.REFUNDED, by, now), once)
        self._announce()
        return payment

    async def ignore(self, payment_id: int, by: By, once: Once[Payment] | None = None) -> Payment:
        """Note that nothing needs to be done about the payment. No invoice changes.

        Raises:
            NotFound: there is no such payment.
            ActRefused: it is assigned, or was refunded.
        """
        async with self._database.transaction() as connection:
            before = await _lock(connection, payment_id)
            if before.standing is Standing.IGNORED:
                return await kept(once, connection, before, self._clock())
            payment = ignore(before)
            await _write(connection, before, payment, _recorded(payment, Act.IGNORED, by, self._clock()), once)
        self._announce()
        return payment

    def _announce(self, settled: Sequence[Event] = ()) -> None:
        self._metrics.count_transitions(settled)
        self._signals.publish("deliveries", "events")


async def _lock(connection: Connection, payment_id: int) -> Payment:
    _check_id(payment_id)
    payment = await payments.lock(connection, payment_id)
    if payment is None:
        raise NotFound(f"there is no payment {payment_id}")
    return payment


async def _lock_invoice(connection: Connection, invoice_id: UUID) -> Invoice:
    invoice = (await invoices.lock(connection, [invoice_id])).get(invoice_id)
    if invoice is None:
        raise NotFound(f"there is no invoice {invoice_id}")
    return invoice


async def _was_unassigned(connection: Connection, payment_id: int) -> bool:
    acts = await payment_acts.of_payment(connection, payment_id)
    return bool(acts) and acts[-1].kind is Act.UNASSIGNED


async def _write(
    connection: Connection,
    before: Payment,
    payment: Payment,
    act: RecordedAct,
    once: Once[Payment] | None,
    settled: Sequence[Event] = (),
) -> None:
    await payment_acts.insert(connection, payment.id, act)
    record = once.record(payment, act.created_at) if once else None
    await events.insert(connection, [act_event(before, payment, act), *settled], record)


def _recorded(payment: Payment, kind: Act, by: By, now: datetime) -> RecordedAct:
    return RecordedAct(kind, by.reason, by.actor, now, payment.assigned_to, payment.assigned_class)


def _check_id(payment_id: int) -> None:
    if not 1 <= payment_id <= MAX_PAYMENT_ID:
        raise InvalidInput(f"a payment id is a number from 1 to {MAX_PAYMENT_ID}")
