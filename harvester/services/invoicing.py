"""What a merchant does with invoices: create, look at, list, cancel. Each change commits with its event."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

from harvester.chain import Clock
from harvester.domain.errors import InvalidInput, InvariantBroken, NotFound, OrderExists
from harvester.domain.events import EVENT_OF_STATUS, Event, EventType
from harvester.domain.invoice import Invoice, cancel
from harvester.domain.lifecycle import Status
from harvester.domain.money import Currency, Price
from harvester.domain.rates import Money, Pair, base_units
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.idempotency import Once
from harvester.services.rates import valid_rate
from harvester.services.rendering import private_json
from harvester.storage import events, invoice_pages, invoices
from harvester.storage.database import Connection, Database
from harvester.storage.events import Change
from harvester.storage.invoice_pages import Extract, InvoiceFilter, InvoicePage
from harvester.storage.signals import Signals

LAST_MOMENT: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""No invoice lives longer: the last second that every date library can carry."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice that a merchant wants."""

    amount: int | Money
    """Base units, or a price that is converted at the rate that is valid when the invoice is made."""
    ticker: str
    life_time_secs: int
    private_info: str = "{}"
    """JSON object as text, kept verbatim."""
    metadata: str = "{}"
    """JSON object as text, kept verbatim."""
    order_id: str | None = None
    """1 … 255 printable characters."""
    customer_id: str | None = None
    """1 … 255 printable characters."""


class Invoicing:
    """Invoices as the merchant sees them. All methods may raise Unavailable."""

    def __init__(self, database: Database, chains: Chains, clock: Clock, signals: Signals, metrics: Metrics) -> None:
        self._database = database
        self._chains = chains
        self._clock = clock
        self._signals = signals
        self._metrics = metrics

    async def create(self, draft: Draft, cause: str, once: Once[Invoice] | None = None) -> Invoice:
        """Store a new invoice with its first event and deliveries, in one commit.

        Raises:
            InvalidInput: the ticker is unknown, the amount not payable, or the life too long; nothing was stored.
            OrderExists: another invoice has the draft's order_id; nothing was stored.
            NoRate: the draft has a price, and no rate is valid; nothing was stored.
        """
        currency = self._chains.currency(draft.ticker)
        invoice = self._new_invoice(draft, currency, *await self._convert(draft.amount, currency))
        event = new_event(invoice, self._chains, cause)
        record = once.record(invoice, self._clock()) if once else None
        try:
            async with self._database.connection() as connection:
                await invoices.insert(connection, invoice, event, record)
        except invoices.OrderTaken:
            raise await self._order_exists(draft.order_id) from None
        self._announce(invoice)
        return invoice

    async def get(self, invoice_id: UUID) -> Invoice:
        """Return the invoice.

        Raises:
            NotFound: there is none.
        """
        async with self._database.connection() as connection:
            return await get_invoice(connection, invoice_id)

    async def history(self, invoice_id: UUID) -> tuple[Invoice, Sequence[Change]]:
        """Return the invoice, and the states that it has come into, in order.

        Raises:
            NotFound: there is none.
        """
        async with self._database.connection() as connection:
            return await get_invoice(connection, invoice_id), await events.of_invoice(connection, invoice_id)

    async def page(self, wanted: InvoiceFilter, extract: Extract) -> InvoicePage:
        """Return a part of the list of those that are wanted, in order of creation.

        Raises:
            InvalidInput: there is no invoice that the part was to be next to.
        """
        async with self._database.connection() as connection:
            page = await invoice_pages.page(connection, wanted, extract)
        if page is None:
            raise InvalidInput("unknown invoice ID: `after` and `before` take the id of an invoice")
        return page

    async def cancel(self, invoice_id: UUID, cause: str, once: Once[Invoice] | None = None) -> Invoice:
        """Cancel an open invoice and return it.

        Raises:
            NotFound: there is none.
            TransitionRefused: it is closed, or its life has ended.
        """
        async with self._database.transaction() as connection:
            before = (await invoices.lock(connection, [invoice_id])).get(invoice_id)
            if before is None:
                raise NotFound("not found")
            after = next_event(cancel(before, self._clock()))
            await invoices.update(connection, [(before, after)])
            record = once.record(after, self._clock()) if once else None
            await events.insert(connection, [new_event(after, self._chains, cause)], record)
        self._announce(after)
        return after

    async def _convert(self, asked: int | Money, currency: Currency) -> tuple[int, Price | None]:
        """Return what is asked for in base units, and the price that it came from."""
        if isinstance(asked, int):
            return asked, None
        async with self._database.connection() as connection:
            rate = await valid_rate(connection, Pair(currency, asked.currency), self._clock())
        price = Price(asked.amount, asked.currency, rate.rate, rate.source, rate.created_at)
        return base_units(price.amount, price.rate, currency.decimals), price

    def _new_invoice(self, draft: Draft, currency: Currency, amount: int, price: Price | None) -> Invoice:
        if not 0 < amount <= currency.max_amount:
            raise InvalidInput(f"amount must be 1 … {currency.max_amount} base units of {currency.ticker}")
        now = self._clock().replace(microsecond=0)
        longest_secs = int((LAST_MOMENT - now).total_seconds())
        if not 0 < draft.life_time_secs <= longest_secs:
            raise InvalidInput(f"life_time must be 1 … {longest_secs} seconds, so that it ends before the year 10000")
        life_time = timedelta(seconds=draft.life_time_secs)
        return replace(
            new_invoice(self._chains, currency, amount, price, now, life_time),
            private_info=draft.private_info,
            metadata=draft.metadata,
            order_id=draft.order_id,
            customer_id=draft.customer_id,
        )

    async def _order_exists(self, order_id: str | None) -> OrderExists:
        async with self._database.connection() as connection:
            invoice_id = await invoices.of_order(connection, order_id) if order_id is not None else None
        if invoice_id is None:
            raise InvariantBroken(f"an invoice for the order {order_id!r} was there, and is no more")
        return OrderExists(invoice_id)

    def _announce(self, invoice: Invoice) -> None:
        self._metrics.transitions.labels(invoice.status.value).inc()
        self._signals.publish("deliveries", "events")


async def get_invoice(connection: Connection, invoice_id: UUID) -> Invoice:
    """Return the invoice.

    Raises:
        NotFound: there is none.
    """
    invoice = await invoices.get(connection, invoice_id)
    if invoice is None:
        raise NotFound("not found")
    return invoice


def new_invoice(
    chains: Chains, currency: Currency, amount: int, price: Price | None, now: datetime, life_time: timedelta
) -> Invoice:
    """Return a waiting invoice over `amount` base units, made now, in which nothing is the merchant's yet."""
    return Invoice(
        id=uuid7(),
        status=Status.WAITING,
        amount=amount,
        received=0,
        ticker=currency.ticker,
        chain=currency.chain,
        asset=currency.asset,
        decimals=currency.decimals,
        pay_to_address=chains.pay_to_address(currency),
        created_at=now,
        expires_at=now + life_time,
        updated_at=now,
        sequence=1,
        private_info="{}",
        metadata="{}",
        price=price,
    )


def next_event(invoice: Invoice) -> Invoice:
    """Return `invoice` with the number of its next event."""
    return replace(invoice, sequence=invoice.sequence + 1)


def new_event(invoice: Invoice, chains: Chains, cause: str, event_type: EventType | None = None) -> Event:
    """Return the event that says what happened to `invoice`, numbered `invoice.sequence`.

    `event_type` None: that it has come into its state.
    """
    return Event(
        id=uuid7(),
        type=event_type or EVENT_OF_STATUS[invoice.status],
        invoice_id=invoice.id,
        sequence=invoice.sequence,
        cause=cause,
        created_at=invoice.updated_at,
        body=private_json(invoice, chains.payment_request(invoice)).decode(),
    )
