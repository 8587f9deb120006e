"""What the daemon and the API do costs the same after years: by an index, and no more pages than it must.

CI runs this on 20,000 invoices, 40,000 payments, 100,000 events; `make longlives` on fifty times as many, with the same
bounds.
"""

import os
from collections.abc import AsyncIterator, Mapping
from typing import Final

import asyncpg
import pytest

from harvester.storage.database import prepare_connection
from tests.conftest import new_database
from tests.storage import long_lives
from tests.storage.explain import Explaining, Plan
from tests.storage.test_statements import statements
from tests.storage.uses import USES, Place, Use

INVOICES: Final = int(os.environ.get("LONG_LIVES_INVOICES", "20000"))
MOST_PAGES: Final = 1_500
"""Of one statement that does what it does for one thing, or for a page of a hundred."""
MORE_PAGES: Final[Mapping[str, tuple[int, str]]] = {
    "record a batch": (30_000, "512 payments, each with its rows in six indexes"),
    "find what has expired": (6_000, "512 invoices, locked one by one"),
    "deliver": (6_000, "a hundred deliveries, each with its event, its predecessors and its attempt"),
    "walk through unmatched payments": (6_000, "a thousand payments, each looked up among the acts"),
    "give up for a removed endpoint": (6_000, "a hundred deliveries, each in four indexes"),
}


@pytest.fixture
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


async def explain(connection: asyncpg.Connection, use: Use, place: Place) -> list[Plan]:
    """Try a use out; return the plans of its statements."""
    explaining, transaction = Explaining(connection), connection.transaction()
    await transaction.start()
    try:
        await use(explaining, place)
    finally:
        await transaction.rollback()
    return explaining.plans


async def test_everything_goes_by_an_index_and_touches_only_what_it_needs(filled: asyncpg.Connection) -> None:
    """One test, so that the tables are filled once. A new statement on a big table needs an entry in `USES`."""
    place = await Place.find(filled)
    plans = {name: await explain(filled, use, place) for name, use in USES.items()}
    for name, of_use in plans.items():
        most_pages, _reason = MORE_PAGES.get(name, (MOST_PAGES, ""))
        for plan in of_use:
            assert not (plan.read_whole & long_lives.BIG_TABLES), f"{name}: {plan.sql}"
            assert plan.pages <= most_pages, f"{name}: {plan.pages} pages: {plan.sql}"
    used = {plan.sql for of_use in plans.values() for plan in of_use}
    unused = [name for name, sql in statements() if sql not in used and any(f" {table}" in sql for table in _NAMES)]
    assert unused == []


_NAMES: Final = sorted(long_lives.BIG_TABLES | {"payment_standings"})
