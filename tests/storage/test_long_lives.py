"""What the daemon and the API do costs the same after years: by an index, and no more pages than it must.

CI runs this on 20,000 invoices, 40,000 payments, 100,000 events; `make longlives` on fifty times as many, with the same
bounds.
"""

import os
from collections.abc import AsyncIterator, Mapping
from typing import Final

import asyncpg
import pytest
import pytest_asyncio

from harvester.storage.database import prepare_connection
from tests.e2e.conftest import new_database
from tests.storage import long_lives
from tests.storage.explain import Explaining
from tests.storage.test_statements import statements
from tests.storage.uses import USES, Place

pytestmark = pytest.mark.asyncio(loop_scope="module")

INVOICES: Final = int(os.environ.get("LONG_LIVES_INVOICES", "20000"))
MOST_PAGES: Final = 1_500
"""Of one statement that does what it does for one thing, or for a page of a hundred."""
MORE_PAGES: Final[Mapping[str, tuple[int, str]]] = {
    "record a batch": (30_000, "512 payments, each with its rows in six indexes"),
    "find what has expired": (6_000, "512 invoices, locked one by one"),
    "deliver": (6_000, "a hundred deliveries, each with its event, its predecessors and its attempt"),
    "give up for a removed endpoint": (6_000, "a hundred deliveries, each in four indexes"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(postgres_uri: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database that has lived long."""
    async with new_database(postgres_uri) as uri:
        connection = await asyncpg.connect(uri)
        try:
            await prepare_connection(connection)
            await long_lives.fill(connection, INVOICES)
            for size in await long_lives.sizes(connection, INVOICES):
                print(f"{size.table}: {size.table_bytes:.0f} + {size.index_bytes:.0f} bytes of index an invoice")  # noqa: T201
            yield connection
        finally:
            await connection.close(timeout=5)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(filled: asyncpg.Connection) -> Place:
    return await Place.find(filled)


@pytest.mark.parametrize("use", USES)
async def test_it_goes_by_an_index_and_touches_only_what_it_needs(
    filled: asyncpg.Connection, place: Place, use: str
) -> None:
    explaining, transaction = Explaining(filled), filled.transaction()
    await transaction.start()
    try:
        await USES[use](explaining, place)
    finally:
        await transaction.rollback()
    most_pages, _reason = MORE_PAGES.get(use, (MOST_PAGES, ""))
    for plan in explaining.plans:
        assert not (plan.read_whole & long_lives.BIG_TABLES), plan.sql
        assert plan.pages <= most_pages, f"{plan.pages} pages: {plan.sql}"


async def test_every_statement_on_a_big_table_is_among_them(filled: asyncpg.Connection, place: Place) -> None:
    """A new statement needs an entry in `tests.storage.uses.USES`."""
    used: set[str] = set()
    for use in USES.values():
        explaining, transaction = Explaining(filled), filled.transaction()
        await transaction.start()
        try:
            await use(explaining, place)
        finally:
            await transaction.rollback()
        used |= {plan.sql for plan in explaining.plans}
    unused = [name for name, sql in statements() if sql not in used and any(f" {table}" in sql for table in _NAMES)]
    assert unused == []


_NAMES: Final = sorted(long_lives.BIG_TABLES | {"payment_standings"})
