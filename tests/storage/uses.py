"""Everything that the daemon and the API ask of a database, once each, on a database of any size."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import md5
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from harvester.chain import Account, Batch, PayerKey
from harvester.domain.acts import Act, RecordedAct
from harvester.domain.events import Event, EventType
from harvester.domain.lifecycle import Status
from harvester.domain.money import Currency
from harvester.domain.payment import PaymentClass, Standing, Transfer
from harvester.domain.rates import Pair
from harvester.storage import (
    accounts,
    backlog,
    credit,
    deliveries,
    destinations,
    endpoints,
    event_feed,
    events,
    exports,
    idempotency,
    invoice_pages,
    invoice_states,
    invoices,
    links,
    open_payments,
    orders,
    outbox,
    payer_keys,
    payment_acts,
    payments,
    rates,
    replay,
    retention,
)
from harvester.storage.credit import AccountKind, Owner
from harvester.storage.deliveries import Attempt, DeliveryStatus, Outcome, Room
from harvester.storage.idempotency import Record
from harvester.storage.invoice_pages import Extract, InvoiceFilter
from harvester.storage.payments import PaymentFilter
from tests.storage.long_lives import ASSET, CHAIN, MERCHANT

ACCOUNT: Final = Account(CHAIN, MERCHANT, MERCHANT, ASSET)
LEASE: Final = timedelta(seconds=30)
PAGE: Final = 100
BATCH: Final = 512
PAIRS: Final = [Pair(Currency("TON", CHAIN, ASSET, 9, 2**120), currency) for currency in ("USD", "EUR", "CHF")]
ROOM: Final = Room(PAGE, {}, PAGE)


@dataclass(frozen=True)
class Place:
    """Where in the tables is looked: in their middle, where nothing happens to be near."""

    now: datetime
    """The end of what the tables hold."""
    then: datetime
    invoice_id: UUID
    payment_id: int
    payer: str
    tx_hash: str
    delivery_id: int
    event_id: UUID
    number: int
    endpoint_id: UUID

    @classmethod
    async def find(cls, connection: asyncpg.Connection) -> Self:
        """Return the middle of a filled database."""
        (row,) = await connection.fetch("""
            SELECT (SELECT max(created_at) FROM events) AS now, created_at AS then, invoice_id, id AS event_id, number,
                   (SELECT id FROM endpoints WHERE name = 'environment') AS endpoint_id
            FROM events ORDER BY number LIMIT 1 OFFSET (SELECT count(*) / 2 FROM events)
        """)
        (payment,) = await connection.fetch(
            "SELECT id AS payment_id, payer, tx_hash FROM payments WHERE invoice_id = $1 LIMIT 1", row["invoice_id"]
        )
        delivery_id = await connection.fetchval("SELECT id FROM deliveries WHERE event_id = $1", row["event_id"])
        return cls(**row, **payment, delivery_id=delivery_id)


Use = Callable[[Any, Place], Awaitable[object]]
"""Takes a connection."""


async def _record(connection: Any, place: Place) -> None:
    """A full batch, as the ledger records it."""
    until = place.now + timedelta(seconds=1)
    await accounts.position(connection, ACCOUNT)
    await accounts.advance(connection, Batch(ACCOUNT, (), "1:00", "2:00", until), place.now)
    open_ids = [row["id"] for row in await connection.fetch(_OPEN, BATCH)]
    transfers = [
        Transfer(uuid7().hex * 2, 0, ASSET, 1, MERCHANT, place.now, invoice_id, None) for invoice_id in open_ids
    ]
    await payments.known(connection, CHAIN, transfers)
    locked = await invoices.lock(connection, open_ids)
    classed = [(each, PaymentClass.PARTIAL, None, each.invoice_id) for each in transfers]
    await payments.insert(connection, ACCOUNT, classed, None, place.now)
    await invoices.update(
        connection, [(each, replace(each, received=1, sequence=each.sequence + 1)) for each in locked.values()]
    )
    await events.insert(connection, [_event(each.id, each.sequence + 1, place) for each in locked.values()])


_OPEN: Final = "SELECT id FROM invoices WHERE status = 'waiting' ORDER BY id DESC LIMIT $1"


def _event(invoice_id: UUID, sequence: int, place: Place) -> Event:
    return Event(uuid7(), EventType.PAID, invoice_id, sequence, "test", place.now, "{}")


async def _create(connection: Any, place: Place) -> None:
    known = await invoices.get(connection, place.invoice_id)
    assert known is not None
    new, event = replace(known, id=uuid7(), order_id="new"), _event(uuid7(), 1, place)
    await invoices.insert(connection, new, event)


async def _once(connection: Any, place: Place) -> None:
    """What has an effect, and the record of it."""
    known = await invoices.get(connection, place.invoice_id)
    assert known is not None
    assert await idempotency.find(connection, _record_of("1", place).id)
    new, event = replace(known, id=uuid7(), order_id="new"), _event(uuid7(), 1, place)
    await invoices.insert(connection, new, event, _record_of("new invoice", place))
    await events.insert(connection, [_event(new.id, new.sequence + 1, place)], _record_of("new event", place))
    await idempotency.insert(connection, _record_of("new", place))


def _record_of(key: str, place: Place) -> Record:
    return Record(hashlib.sha256(key.encode()).digest(), bytes(32), 200, b"{}", place.now)


async def _deliver(connection: Any, place: Place) -> None:
    claimed, _ = await deliveries.claim(connection, place.now, place.now + LEASE, ROOM)
    assert len(await deliveries.renew(connection, claimed, place.now + 2 * LEASE)) == len(claimed)
    due = [replace(each, leased_until=place.now + 2 * LEASE) for each in claimed]
    attempt = Attempt(place.now, 1, 200, None, None)
    outcomes = [Outcome(each, attempt, DeliveryStatus.DELIVERED, None, endpoint_is_gone=False) for each in due]
    assert outcomes
    await deliveries.store_outcomes(connection, outcomes, place.now)


async def _act(connection: Any, place: Place) -> None:
    await payments.lock(connection, place.payment_id)
    act = RecordedAct(Act.REFUNDED, "test", "test", place.now, None, None)
    await payment_acts.insert(connection, place.payment_id, act)
    await payment_acts.of_payment(connection, place.payment_id)


async def _remove(connection: Any, place: Place) -> None:
    await endpoints.remove(connection, place.endpoint_id, place.now)
    await backlog.give_up_removed(connection, place.now, PAGE)


def _invoices(*, newest_first: bool = False, after: bool = False, before: bool = False, **wanted: object) -> Use:
    def use(connection: Any, place: Place) -> Awaitable[object]:
        next_to = {"after": place.invoice_id} if after else {"before": place.invoice_id} if before else {}
        asked = InvoiceFilter(**{name: _of(place, value) for name, value in wanted.items()})
        return invoice_pages.page(connection, asked, Extract(PAGE, newest_first, **next_to))

    return use


def _payments(**wanted: object) -> Use:
    return lambda connection, place: payments.page(
        connection, PaymentFilter(**{name: _of(place, value) for name, value in wanted.items()}), PAGE
    )


def _of(place: Place, value: object) -> Any:
    return value(place) if callable(value) else value


async def _take_key(connection: Any, place: Place) -> None:
    await payer_keys.put(connection, CHAIN, PayerKey(place.payer, bytes(32)), place.now)
    assert await payer_keys.settle_too_many(connection, CHAIN, PAGE) == PAGE
    assert await payer_keys.get(connection, CHAIN, place.payer)


async def _pay_from_credit(connection: Any, place: Place) -> None:
    """Take a payment that names an order, confirm it, and pay what is owed from there."""
    references, payer = ["order 17", "#17"], _rich_address()
    await orders.lock_references(connection, references)
    assert await orders.find(connection, references[0], strict=False)
    assert await orders.taken(connection, *references)
    await orders.named_by(connection, CHAIN, references)
    known = await payments.lock_by_transfer(connection, CHAIN, place.tx_hash, 0)
    assert known is not None
    await payments.confirm(connection, known.id, place.now, "test")
    owners = [Owner(AccountKind.ADDRESS, payer), Owner(AccountKind.RECEIVED), Owner(AccountKind.SETTLED)]
    ids = await credit.accounts(connection, CHAIN, ASSET, owners)
    number, received = ids[owners[0]], ids[owners[1]]
    assert await credit.lock(connection, [number])
    await credit.have_gained(connection, [number])
    entry = credit.Entry(credit.EntryKind.PAYMENT, received, number, 1, payment_id=known.id | 1)
    await credit.insert(connection, [entry], "test", place.now)
    customers = await links.customers(connection, CHAIN, payer)
    await orders.lock_owed(connection, customers[:1], CHAIN, ASSET, place.invoice_id)


async def _tie(connection: Any, place: Place) -> None:
    payer = _rich_address()
    await links.link(connection, CHAIN, payer, "customer 17", place.now, "test")
    assert await links.is_linked(connection, CHAIN, payer, "customer 17")
    assert await links.addresses(connection, CHAIN, "customer 17")


async def _show_customer(connection: Any, _place: Place) -> None:
    owner = Owner(AccountKind.ADDRESS, _rich_address())
    await credit.statements(connection, CHAIN, ASSET, [owner])
    assert await credit.history(connection, CHAIN, ASSET, [owner], PAGE, None)
    await orders.owed(connection, ["customer 17"], CHAIN, ASSET)


def _rich_address() -> str:
    return "0:" + md5(b"17").hexdigest() + md5(b"1").hexdigest()  # noqa: S324  as the tables are filled


async def _look(connection: Any, place: Place) -> None:
    """As many as may be read at the same time."""
    followed = await connection.fetch("SELECT id FROM invoices WHERE id >= $1 ORDER BY id LIMIT 512", place.invoice_id)
    await invoice_states.read(connection, [row["id"] for row in followed])


USES: Final[Mapping[str, Use]] = {
    # First what counts: afterwards the indexes hold what was tried out and undone.
    "count open invoices": lambda c, _: invoices.count_open(c),
    "count deliveries": lambda c, _: backlog.read(c),
    "walk through unmatched payments": lambda c, place: open_payments.walk_on(
        c, PaymentClass.UNMATCHED, open_payments.Walk(place.then)
    ),
    "create an invoice": _create,
    "do what a key is for": _once,
    "forget keys": lambda c, place: idempotency.prune(c, place.then, PAGE),
    "forget no keys": lambda c, place: idempotency.prune(c, place.then - timedelta(days=9999), PAGE),
    "look for news of many invoices": _look,
    "show an invoice": lambda c, place: invoices.get(c, place.invoice_id),
    "find the invoice of an order": lambda c, _: invoices.of_order(c, "order 17"),
    "list invoices": _invoices(after=True),
    "list invoices from the start": _invoices(),
    "list invoices backwards": _invoices(before=True),
    "list invoices from the end": _invoices(newest_first=True),
    "list invoices by state": _invoices(statuses=[Status.WAITING, Status.UNCLAIMED]),
    "list invoices by state further on": _invoices(after=True, statuses=list(Status)),
    "list invoices by state and time": _invoices(
        statuses=[Status.EXPIRED, Status.CANCELLED], since=lambda place: place.then, newest_first=True
    ),
    "list invoices by currency": _invoices(ticker="NONE"),
    "list invoices by time": _invoices(
        since=lambda place: place.then, until=lambda place: place.then + timedelta(hours=1)
    ),
    "list invoices by order": _invoices(order_id="order 17"),
    "list invoices by customer": _invoices(after=True, customer_id="customer 17"),
    "list invoices by transaction": _invoices(tx_hash=lambda place: place.tx_hash),
    "list orders": _invoices(orders=True, after=True),
    "pay from credit": _pay_from_credit,
    "tie an address to a customer": _tie,
    "show a customer": _show_customer,
    "list invoices by payer": _invoices(payers=lambda place: [place.payer, "somebody"]),
    "list invoices beyond one that is not there": lambda c, _: invoice_pages.page(
        c, invoice_pages.ALL, Extract(PAGE, after=uuid7())
    ),
    "show the history of an invoice": lambda c, place: events.of_invoice(c, place.invoice_id),
    "record a batch": _record,
    "find what has expired": lambda c, place: invoices.lock_due(c, ACCOUNT, place.now + timedelta(days=6), BATCH),
    "find nothing that has expired": lambda c, place: invoices.lock_due(c, ACCOUNT, place.then, BATCH),
    "note where open invoices are paid": lambda c, place: destinations.note(c, CHAIN, [], place.now),
    "deliver": _deliver,
    "find nothing to deliver": lambda c, place: deliveries.claim(c, place.then - timedelta(days=999), place.now, ROOM),
    "know when something is due": lambda c, place: deliveries.next_due(c, place.now),
    "give up for a removed endpoint": _remove,
    "list dead deliveries": lambda c, _: outbox.page(c, [DeliveryStatus.DEAD], PAGE, None),
    "list all deliveries": lambda c, place: outbox.page(c, list(DeliveryStatus), PAGE, place.delivery_id),
    "list deliveries of an endpoint": lambda c, place: outbox.page(
        c, [DeliveryStatus.PENDING], PAGE, None, place.endpoint_id
    ),
    "show a delivery": lambda c, place: outbox.get(c, place.delivery_id),
    "show its attempts": lambda c, place: outbox.attempts(c, place.delivery_id),
    "send a delivery again": lambda c, place: outbox.resend(c, place.delivery_id, place.now),
    "send an event again": lambda c, place: outbox.resend(c, place.event_id, place.now),
    "read events": lambda c, place: event_feed.read(c, event_feed.Horizon(), place.number, PAGE),
    "read new events": lambda c, place: event_feed.read(c, event_feed.Horizon(), place.number * 2 - PAGE, PAGE),
    "find a range of events": lambda c, place: replay.numbers(c, place.then, place.then + timedelta(hours=1)),
    "replay a range": lambda c, place: replay.replay(
        c,
        place.endpoint_id,
        place.number - PAGE,
        place.number,
        place.then - timedelta(hours=1),
        place.now,
        place.now,
        at_most=PAGE,
    ),
    "forget old deliveries": lambda c, place: retention.prune(c, 0, place.then, PAGE),
    "take a payer's key": _take_key,
    "know how far a chain is read": lambda c, _: payer_keys.read_until(c, CHAIN),
    "drop payers' keys": lambda c, place: payer_keys.settle_before(c, CHAIN, place.now, PAGE),
    "show a payment": lambda c, place: payments.get(c, place.payment_id),
    "say what a payment was for": _act,
    "list payments": _payments(),
    "list payments further on": lambda c, place: payments.page(c, PaymentFilter(), PAGE, place.payment_id),
    "list payments beyond one that is not there": lambda c, _: payments.page(c, PaymentFilter(), PAGE, 2**60),
    "list payments by class": _payments(payment_class=PaymentClass.LATE),
    "list payments by state": _payments(standing=Standing.RECORDED),
    "list payments that were sent back": _payments(standing=Standing.REFUNDED),
    "list payments by asset": _payments(assets=[ASSET]),
    "list payments by payer": _payments(payers=lambda place: [place.payer]),
    "list payments by time": _payments(
        since=lambda place: place.then, until=lambda place: place.then + timedelta(hours=1)
    ),
    "list payments by text in a day": _payments(
        text="order", since=lambda place: place.then, until=lambda place: place.then + timedelta(days=1)
    ),
    "list payments of an invoice": _payments(invoice_id=lambda place: place.invoice_id),
    "export payments": lambda c, place: exports.payments(c, (place.then, 0), place.now, PAGE, "USD"),
    "export invoices": lambda c, place: exports.invoices(c, (place.then, UUID(int=0)), place.now, PAGE, "USD"),
    "say a rate": lambda c, place: rates.insert(c, PAIRS[0], Decimal("5.23"), "test", place.now, place.now + LEASE),
    "know the last rates": lambda c, _: rates.last(c, PAIRS),
    "list the last rates of all": lambda c, _: rates.last_of_all(c, PAGE),
}
