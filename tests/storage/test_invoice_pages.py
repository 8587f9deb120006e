"""Lists of invoices: what filters and paging find is what a list in Python would hold."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from harvester.domain.events import Event, EventType
from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import Status
from harvester.domain.payment import PaymentClass
from harvester.storage import invoice_pages, invoices
from harvester.storage.database import Connection, Database
from harvester.storage.invoice_pages import ALL, Extract, InvoiceFilter
from tests.storage.test_orders_and_prices import INVOICE, NOW

PAYERS = ("0:aa", "0:bb", "0:cc")
HASHES = ("01", "02", "03")
small = st.integers(0, 9)
moments = st.integers(0, 5).map(lambda seconds: NOW + timedelta(seconds=seconds))


def invoice(status: Status, created_at: datetime, ticker: str, customer: str | None, payer: str) -> Invoice:
    """Make an invoice."""
    paid: dict[str, Any] = {"paid_by": payer, "paid_at": NOW, "tx_hash": "ff"} if status is Status.PAID else {}
    return replace(
        INVOICE, id=uuid7(), status=status, created_at=created_at, ticker=ticker, customer_id=customer, **paid
    )


some_invoices = st.lists(
    st.builds(
        invoice,
        st.sampled_from(Status),
        moments,
        st.sampled_from(["TON", "GEM"]),
        st.sampled_from([None, "alice", "bob"]),
        st.sampled_from(PAYERS),
    ),
    min_size=10,
    max_size=14,
)


@dataclass(frozen=True)
class Money:
    """A payment in a transaction: the place of the invoice that it names, and of that to which it was assigned."""

    tx_hash: str
    payment_class: PaymentClass
    names: int | None
    assigned: int | None


moneys = st.lists(
    st.builds(Money, st.sampled_from(HASHES), st.sampled_from(PaymentClass), st.none() | small, st.none() | small),
    min_size=1,
    max_size=6,
)
values: dict[str, st.SearchStrategy[Any]] = {
    "statuses": st.lists(st.sampled_from(Status), min_size=1, max_size=6),
    "ticker": st.sampled_from(["TON", "GEM", "OLD"]),
    "since": moments,
    "until": moments,
    "order_id": small.map(str),
    "customer_id": st.sampled_from(["alice", "carol"]),
    "tx_hash": st.sampled_from([*HASHES, "04"]),
    "payers": st.lists(st.sampled_from([*PAYERS, "0:dd"]), min_size=1, max_size=4),
}


def meant(shop: Sequence[Invoice], payments: Sequence[Money], tx_hash: str) -> set[UUID]:
    """The invoices that payments in a transaction name or count for."""
    found = set()
    for payment in payments:
        if payment.tx_hash == tx_hash:
            found |= {shop[place].id for place in (payment.names, payment.assigned) if place is not None}
    return found


def fits(each: Invoice, wanted: InvoiceFilter, by_hash: Callable[[str], set[UUID]]) -> bool:
    """Whether a filter lets an invoice pass."""
    return (
        (wanted.statuses is None or each.status in wanted.statuses)
        and (wanted.ticker is None or each.ticker == wanted.ticker)
        and (wanted.since is None or each.created_at >= wanted.since)
        and (wanted.until is None or each.created_at < wanted.until)
        and (wanted.order_id is None or each.order_id == wanted.order_id)
        and (wanted.customer_id is None or each.customer_id == wanted.customer_id)
        and (wanted.tx_hash is None or each.id in by_hash(wanted.tx_hash))
        and (wanted.payers is None or each.paid_by in wanted.payers)
    )


@asynccontextmanager
async def holding(
    database: Database, shop: Sequence[Invoice], payments: Sequence[Money] = ()
) -> AsyncIterator[Connection]:
    """Yield a connection to a database that holds these for a while."""
    async with database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute("INSERT INTO accounts VALUES ('memory', 'a', 'm', 'coin', '', now(), now())")
            for each in shop:
                await store(connection, each)
            for number, payment in enumerate(payments):
                await connection.execute(_PAYMENT, payment.tx_hash, number, *_classed(payment, shop))
            yield connection
        finally:
            await transaction.rollback()


_PAYMENT = """
WITH payment AS (
    INSERT INTO payments (chain, tx_hash, transfer_index, account_address, pay_to_address, asset, amount, payer, time,
                          class, invoice_id, recorded_at)
    VALUES ('memory', $1, $2, 'a', 'm', 'coin', 1, 'p', now(), $3, $4, now()) RETURNING id
)
INSERT INTO payment_acts (payment_id, act, invoice_id, class, actor, created_at)
SELECT id, 'assigned', $5, 'late', 'test', now() FROM payment WHERE $5::uuid IS NOT NULL
"""


def _classed(payment: Money, shop: Sequence[Invoice]) -> tuple[str, UUID | None, UUID | None]:
    names, assigned = (None if place is None else shop[place].id for place in (payment.names, payment.assigned))
    return payment.payment_class.value, names, assigned


async def store(connection: Connection, each: Invoice) -> None:
    """Store an invoice in whatever state."""
    event = Event(uuid7(), EventType.CREATED, each.id, 1, "test", NOW, "{}")
    await invoices.insert(connection, each, event)


async def walk(
    connection: Connection,
    wanted: InvoiceFilter,
    extract: Extract,
    between: Callable[[], Any] | None = None,
) -> list[Invoice]:
    """Follow a list from `extract` to its end, or back to its beginning if it begins `before` something."""
    found: list[Invoice] = []
    backwards = extract.before is not None
    while True:
        page = await invoice_pages.page(connection, wanted, extract)
        assert page is not None
        assert len(page.invoices) <= extract.limit
        found = [*page.invoices, *found] if backwards else [*found, *page.invoices]
        cursor = page.preceding if backwards else page.following
        if cursor is None:
            return found
        assert len(page.invoices) == extract.limit, "only the last page is not full"
        assert cursor not in (extract.after, extract.before), "the list goes on"
        extract = replace(extract, before=cursor) if backwards else replace(extract, after=cursor)
        if between:
            await between()


def in_order(shop: Sequence[Invoice], wanted: InvoiceFilter, *, newest_first: bool) -> list[Invoice]:
    """Those of the shop, in the order of a list with this filter."""
    rising = sorted(shop, key=lambda each: each.id if wanted == ALL else (each.created_at, each.id))
    return rising[::-1] if newest_first else rising


@pytest.mark.parametrize("name", [None, *values])
@settings(max_examples=25)
@given(data=st.data(), limit=st.integers(1, 5), newest_first=st.booleans())
async def test_pages_hold_what_a_list_in_python_would_hold(
    database: Database, name: str | None, data: st.DataObject, limit: int, newest_first: bool
) -> None:
    """Without a filter, with each, and with each and another: what asks for more finds nothing as a rule."""
    names = {name, data.draw(st.sampled_from([name, *values]))} if name else set()
    wanted = InvoiceFilter(**{each: data.draw(values[each]) for each in sorted(names)})
    drawn = data.draw(some_invoices)
    shop = [replace(each, order_id=str(number) if number % 2 else None) for number, each in enumerate(drawn)]
    payments = data.draw(moneys)
    listed = in_order(shop, wanted, newest_first=newest_first)
    expected = [each for each in listed if fits(each, wanted, lambda tx_hash: meant(shop, payments, tx_hash))]
    async with holding(database, shop, payments) as connection:
        assert await walk(connection, wanted, Extract(limit, newest_first)) == expected
        # Next to any invoice, be it wanted or not.
        place = data.draw(st.integers(0, len(shop) - 1))
        cursor = listed[place].id
        behind = [each for each in expected if each in listed[place + 1 :]]
        ahead = [each for each in expected if each in listed[:place]]
        assert await walk(connection, wanted, Extract(limit, newest_first, after=cursor)) == behind
        assert await walk(connection, wanted, Extract(limit, newest_first, before=cursor)) == ahead


async def test_a_page_says_where_the_list_goes_on_and_where_it_came_from(database: Database) -> None:
    shop = [replace(INVOICE, id=uuid7()) for _ in range(5)]
    ids = [each.id for each in shop]

    async def page(**extract: Any) -> tuple[list[UUID], UUID | None, UUID | None]:
        found = await invoice_pages.page(connection, ALL, Extract(2, **extract))
        assert found is not None
        return [each.id for each in found.invoices], found.preceding, found.following

    async with holding(database, shop) as connection:
        assert await page() == (ids[:2], None, ids[1])
        assert await page(after=ids[1]) == (ids[2:4], ids[2], ids[3])
        assert await page(after=ids[3]) == (ids[4:], ids[4], None)
        assert await page(after=ids[4]) == ([], None, None)
        assert await page(before=ids[4]) == (ids[2:4], ids[2], ids[3])
        assert await page(before=ids[2]) == (ids[:2], None, ids[1])
        assert await page(before=ids[0]) == ([], None, None)
        assert await page(newest_first=True) == ([ids[4], ids[3]], None, ids[3])
        assert await page(newest_first=True, after=ids[3]) == ([ids[2], ids[1]], ids[2], ids[1])
        assert await page(newest_first=True, before=ids[2]) == ([ids[4], ids[3]], None, ids[3])


@pytest.mark.parametrize("wanted", [ALL, InvoiceFilter(ticker="TON"), InvoiceFilter(statuses=[Status.PAID])])
async def test_there_is_no_page_next_to_an_invoice_that_is_not_there(database: Database, wanted: InvoiceFilter) -> None:
    async with holding(database, [replace(INVOICE, id=uuid7()) for _ in range(3)]) as connection:
        for extract in (Extract(2, after=uuid7()), Extract(2, before=INVOICE.id), Extract(2, True, INVOICE.id)):
            assert await invoice_pages.page(connection, wanted, extract) is None


@pytest.mark.parametrize("wanted", [ALL, InvoiceFilter(ticker="TON")])
@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
async def test_who_pages_through_while_invoices_are_made_misses_none_and_sees_none_twice(
    database: Database, wanted: InvoiceFilter, newest_first: bool, backwards: bool
) -> None:
    made = [replace(INVOICE, id=uuid7(), created_at=NOW + timedelta(seconds=n // 7)) for n in range(60)]
    old, new = made[::2], made[1::2]  # ids of slower processes come in between
    ends = (made[-1], made[0]) if newest_first else (made[0], made[-1])

    async def make_three() -> None:
        async with database.connection() as other:
            for _ in range(3):
                if new:
                    await store(other, new.pop())

    async with database.connection() as connection:
        for each in {each.id: each for each in (*old, *ends)}.values():
            await store(connection, each)
            if each in new:
                new.remove(each)
        extract = Extract(4, newest_first, before=ends[1].id if backwards else None)
        found = await walk(connection, wanted, extract, make_three)
    assert not new or len(found) < 60
    assert len({each.id for each in found}) == len(found)
    assert {each.id for each in old} - {ends[1].id} <= {each.id for each in found}
    assert found == in_order(found, wanted, newest_first=newest_first)
