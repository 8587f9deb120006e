"""The merchant's own numbers and prices of invoices: in old databases, there and back, and never by halves."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from harvester.domain.events import Event, EventType
from harvester.domain.invoice import Invoice
from harvester.domain.money import Price
from harvester.storage import invoice_pages, invoices
from harvester.storage.database import Database
from harvester.storage.migrate import CORE_SCOPE, core_migrations_path, migrate
from tests.conftest import with_database
from tests.invoices import waiting_invoice

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PRICE = Price(Decimal("12.50"), "USD", Decimal("5.23"), "operator", NOW)
INVOICE = waiting_invoice(NOW, ticker="TON")
positive = st.decimals(min_value=0, allow_nan=False, allow_infinity=False).filter(lambda value: value > 0)
prices = st.builds(
    Price,
    positive,
    st.sampled_from(["USD", "EUR"]),
    positive,
    st.sampled_from(["operator", "market"]),
    st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)
texts = st.none() | st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=255)


async def store(database: Database, invoice: Invoice) -> None:
    """Store a new invoice."""
    event = Event(uuid7(), EventType.CREATED, invoice.id, 1, "test", NOW, "{}")
    async with database.connection() as connection:
        await invoices.insert(connection, invoice, event)


@given(order_id=texts, customer_id=texts, price=st.none() | prices)
async def test_an_invoice_comes_back_as_it_was_stored(
    database: Database, order_id: str | None, customer_id: str | None, price: Price | None
) -> None:
    unique = None if order_id is None else f"{uuid4()}{order_id}"[:255]
    stored = replace(INVOICE, id=uuid7(), order_id=unique, customer_id=customer_id, price=price)
    await store(database, stored)
    async with database.connection() as connection:
        found = await invoices.get(connection, stored.id)
        assert (await invoices.lock(connection, [stored.id])) == {stored.id: stored}
    assert found == stored
    if price is not None and found is not None and found.price is not None:
        assert (f"{found.price.amount:f}", f"{found.price.rate:f}") == (f"{price.amount:f}", f"{price.rate:f}")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE invoices SET rate = NULL",
        "UPDATE invoices SET price_amount = NULL",
        "UPDATE invoices SET rate_at = NULL",
        "UPDATE invoices SET price_amount = -1",
    ],
)
async def test_a_price_is_never_half_there(database: Database, change: str) -> None:
    await store(database, replace(INVOICE, price=PRICE))
    with pytest.raises(asyncpg.CheckViolationError, match="invoices_price_is"):
        async with database.connection() as connection:
            await connection.execute(change)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1"])
async def test_a_price_is_a_positive_number(database: Database, value: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="invoices_price_is_positive"):
        await store(database, replace(INVOICE, price=replace(PRICE, rate=Decimal(value))))


@pytest.fixture
async def old(postgres_uri: str, tmp_path: Path) -> AsyncIterator[Database]:
    """A database as it was before invoices had numbers and prices, with a hundred of them."""
    for file in sorted(core_migrations_path().glob("000[1-5]_*.sql")):
        (tmp_path / file.name).write_text(file.read_text())
    name = f"old_{uuid4().hex}"
    admin = await asyncpg.connect(postgres_uri)
    await admin.execute(f"CREATE DATABASE {name}")
    async with Database.open(with_database(postgres_uri, name)) as database:
        await migrate(database, {CORE_SCOPE: tmp_path})
        async with database.connection() as connection:
            await connection.execute(_OLD_INVOICES)
        yield database
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


_OLD_INVOICES = """
INSERT INTO invoices (id, status, amount, ticker, chain, asset, decimals, pay_to_address,
                      created_at, expires_at, updated_at, private_info, metadata)
SELECT gen_random_uuid(), 'waiting', 1, 'T', 'c', 'a', 9, 'm', now(), now(), now(), '{}', '{}'
FROM generate_series(1, 100)
"""
_FILE = "SELECT pg_relation_filenode('invoices')"


async def test_old_invoices_stay_where_they_are_and_have_neither_number_nor_price(old: Database) -> None:
    async with old.connection() as connection:
        before = await connection.fetchval(_FILE)
    await migrate(old, {CORE_SCOPE: core_migrations_path()})
    async with old.connection() as connection:
        assert await connection.fetchval(_FILE) == before, "the table was written anew, which takes its time"
        page = await invoice_pages.page(connection, invoice_pages.ALL, invoice_pages.Extract(1000))
    assert page is not None
    assert [(each.order_id, each.customer_id, each.price) for each in page.invoices] == [(None, None, None)] * 100
