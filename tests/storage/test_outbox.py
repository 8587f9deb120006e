"""The outbox in PostgreSQL as the operator sees it: lists and sending again."""

from datetime import timedelta
from uuid import uuid4

import pytest

from harvester.storage import outbox
from harvester.storage.database import Database
from harvester.storage.deliveries import Attempt, DeliveryStatus, Room
from tests.outbox import add_endpoint, add_invoice, rows
from tests.storage.sending import NOW, URL, claim, store, two_events


async def test_lists_are_newest_first_by_state_and_page(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    for _ in range(5):
        await add_invoice(database, NOW)
    for due in await claim(database, room=Room(3, {}, 3)):
        await store(database, due)
    async with database.connection() as connection:
        first = await outbox.page(connection, [DeliveryStatus.DELIVERED], 2, None)
        second = await outbox.page(connection, [DeliveryStatus.DELIVERED], 2, first[-1].id)
        pending = await outbox.page(connection, [DeliveryStatus.PENDING], 10, None)
        assert await outbox.page(connection, [DeliveryStatus.DEAD], 10, None) == []
        (shown, attempts) = await outbox.get(connection, first[0].id), await outbox.attempts(connection, first[0].id)
    ids = [record.id for record in [*first, *second]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 3
    assert [record.last_attempt for record in pending] == [None, None]
    assert shown == first[0]
    assert [shown.last_attempt] == attempts == [Attempt(NOW, 12, 200, None, "head")]
    assert (shown.endpoint, shown.event_type, shown.attempts) == ("shop", "invoice.created", 1)


@pytest.mark.parametrize("status", [DeliveryStatus.DEAD, DeliveryStatus.DELIVERED])
async def test_what_is_finished_is_sent_again_with_a_whole_schedule(database: Database, status: DeliveryStatus) -> None:
    await add_endpoint(database, "shop", URL)
    await add_invoice(database, NOW)
    (due,) = await claim(database)
    await store(database, due, status)
    later = NOW + timedelta(days=9)
    async with database.connection() as connection:
        (resent,) = await outbox.resend(connection, due.id, later)
        (repeated,) = await outbox.resend(connection, due.message.event_id, later)
    assert (resent.delivery_id, resent.was, repeated.was) == (due.id, status, DeliveryStatus.PENDING)
    (again,) = await claim(database, later)
    assert (again.id, again.message.event_id, again.tried) == (due.id, due.message.event_id, 0)
    assert await store(database, again, DeliveryStatus.PENDING, later, now=later)
    (third,) = await claim(database, later)
    assert third.tried == 1
    numbers = await rows(database, "SELECT attempt FROM delivery_attempts ORDER BY attempt")
    assert [row["attempt"] for row in numbers] == [1, 2]


async def test_sending_again_brings_forward_what_waits_and_leaves_alone_what_is_in_flight(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    await add_invoice(database, NOW)
    (due,) = await claim(database)
    async with database.connection() as connection:
        await outbox.resend(connection, due.id, NOW)
    assert not await claim(database)
    assert await store(database, due, DeliveryStatus.PENDING, NOW + timedelta(hours=5))
    async with database.connection() as connection:
        await outbox.resend(connection, due.id, NOW)
    (again,) = await claim(database)
    assert again.tried == 1


async def test_sending_again_never_puts_two_of_an_invoice_in_flight(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    await two_events(database)
    (first,) = await claim(database)
    await store(database, first)
    (second,) = await claim(database)
    async with database.connection() as connection:
        await outbox.resend(connection, first.id, NOW)
    assert not await claim(database)
    assert await store(database, second)
    (again,) = await claim(database, NOW + timedelta(seconds=1))
    assert again.id == first.id


async def test_sending_again_what_is_unknown_changes_nothing(database: Database) -> None:
    async with database.connection() as connection:
        assert await outbox.resend(connection, 1, NOW) == []
        assert await outbox.resend(connection, uuid4(), NOW) == []
