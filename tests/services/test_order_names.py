"""By which names orders are known to the merchant."""

import pytest

from harvester.domain.acts import By
from harvester.domain.errors import NotFound
from harvester.storage.database import Database
from tests.services.conftest import Shop
from tests.services.counter import Counter


async def test_a_second_name_is_one_where_ids_are_not_strict_and_an_id_comes_before_it(database: Database) -> None:
    strict, lenient = [await Counter(Shop(database), strict=each).open() for each in (True, False)]
    await strict.place("17", "alice", 100, alt_id="#1001")
    await strict.place("18", "alice", 100, alt_id="#1002")
    await strict.place("#1002", "bob", 100)
    with pytest.raises(NotFound):
        await strict.accounts.order("#1001")
    assert (await lenient.accounts.fulfil("#1001", By("cli", "paid in the shop"))).order_id == "17"
    assert (await lenient.accounts.order("#1002")).customer_id == "bob"
