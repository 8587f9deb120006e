"""What becomes of orders while somebody else is at them. The two meet at a lock, so that nothing depends on time."""

import asyncio
from dataclasses import replace

import pytest
from uuid_utils.compat import uuid7

from harvester.domain.acts import By
from harvester.domain.errors import ActRefused, Unavailable
from harvester.services.invoicing import new_event
from harvester.storage import invoices
from harvester.storage.database import Database
from tests.services.conftest import Shop
from tests.services.counter import Counter
from tests.storage.locks import until_waiting


@pytest.fixture
async def counter(database: Database) -> Counter:
    return await Counter(Shop(database)).open()


async def test_an_order_that_gets_another_customer_meanwhile_is_not_paid_by_the_first(
    counter: Counter, database: Database
) -> None:
    order = (await counter.place("1", "alice", 100)).invoice
    async with database.transaction() as rival:
        await rival.execute("UPDATE invoices SET customer_id = 'bob' WHERE id = $1", order.id)
        granting = asyncio.create_task(counter.accounts.issue("alice", 100, "MEM", By("cli:carol", "a voucher")))
        await until_waiting(database.uri)
    assert (await granting).paid == []
    assert (await counter.status("1"), await counter.balance("alice")) == ("unclaimed", 100)


async def test_an_order_whose_invoice_is_made_over_the_api_meanwhile_is_asked_for_again(
    counter: Counter, database: Database
) -> None:
    made = replace(await counter.shop.invoice(), id=uuid7(), order_id="1", customer_id="bob")
    async with database.transaction() as rival:
        await invoices.insert(rival, made, new_event(made, counter.shop.chains, "api"))
        placing = asyncio.create_task(counter.place("1", "alice", 100))
        await until_waiting(database.uri)
    with pytest.raises(Unavailable, match="try again"):
        await placing
    with pytest.raises(ActRefused, match="exists with another customer_id"):
        await counter.place("1", "alice", 100)
