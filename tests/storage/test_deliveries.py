"""The outbox in PostgreSQL as the sender sees it: leases, order and outcomes."""

import asyncio
from datetime import timedelta

from harvester.domain.events import EventType
from harvester.domain.webhooks import Message, Target
from harvester.storage import backlog, deliveries, endpoints
from harvester.storage.database import Database
from harvester.storage.deliveries import DeliveryStatus, Due, Room
from harvester.storage.endpoints import ensure_environment_endpoint, ensure_hook_endpoints
from tests.outbox import add_endpoint, add_event, add_invoice, rows
from tests.storage.sending import LEASE, NOW, URL, claim, store, two_events


async def test_a_claim_brings_all_that_sending_needs(database: Database) -> None:
    endpoint_id = await add_endpoint(database, "shop", URL)
    invoice_id = await add_invoice(database, NOW)
    (event,) = await rows(database, "SELECT id, body FROM events")
    (due,) = await claim(database)
    message = Message(event["id"], "invoice.created", 1, event["body"].encode())
    assert due == Due(due.id, NOW + LEASE, 0, endpoint_id, Target("shop", URL, local=True), invoice_id, NOW, message)
    assert "ї" in due.message.body.decode()
    assert URL not in repr(due)


async def test_what_is_leased_is_not_claimed_again_until_the_lease_ends(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    await add_invoice(database, NOW)
    (first,) = await claim(database)
    assert not await claim(database, NOW + LEASE - timedelta(seconds=1))
    (second,) = await claim(database, NOW + LEASE)
    assert second.id == first.id
    assert not await store(database, first)
    assert await store(database, second)
    (attempts,) = await rows(database, "SELECT count(*) FROM delivery_attempts")
    assert attempts["count"] == 1


async def test_many_processes_never_claim_the_same_delivery(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    for _ in range(60):
        await add_invoice(database, NOW)
    claims = await asyncio.gather(*(claim(database, room=Room(10, {}, 10)) for _ in range(12)))
    ids = [due.id for claimed in claims for due in claimed]
    assert len(ids) == len(set(ids))
    ids += [due.id for due in await claim(database)]
    assert len(set(ids)) == 60


async def test_an_invoice_is_told_in_order_one_at_a_time(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    invoice_id = await two_events(database)
    await add_event(database, invoice_id, 3, EventType.EXPIRED, NOW)
    for sequence in (1, 2, 3):
        (due,) = await claim(database)
        assert not await claim(database, NOW + LEASE / 2)
        (row,) = await rows(database, "SELECT sequence FROM deliveries WHERE id = $1", due.id)
        assert row["sequence"] == sequence
        assert await store(database, due)
    assert not await claim(database)


async def test_one_that_is_given_up_lets_the_next_one_go(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    await two_events(database)
    (first,) = await claim(database)
    assert await store(database, first, DeliveryStatus.DEAD)
    (second,) = await claim(database)
    assert second.id != first.id


async def test_a_failure_puts_off_the_whole_invoice_and_no_other(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    invoice_id = await two_events(database)
    (first,) = await claim(database)
    retry_at = NOW + timedelta(hours=5)
    assert await store(database, first, DeliveryStatus.PENDING, retry_at)
    other_id = await add_invoice(database, NOW)
    await add_event(database, invoice_id, 3, EventType.EXPIRED, NOW)
    (other,) = await claim(database, NOW + timedelta(seconds=2))
    assert other.invoice_id == other_id
    assert await store(database, other)
    due_at = await rows(database, "SELECT DISTINCT due_at FROM deliveries WHERE invoice_id = $1", invoice_id)
    assert [row["due_at"] for row in due_at] == [retry_at], "a look must scan only what is due"
    (again,) = await claim(database, retry_at)
    assert (again.id, again.tried) == (first.id, 1)


async def test_two_endpoints_are_told_on_their_own(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    await add_endpoint(database, "books", URL)
    await two_events(database)
    first, second = await claim(database)
    assert await store(database, first)
    (next_one,) = await claim(database)
    assert next_one.target.name == first.target.name != second.target.name


async def test_room_bounds_what_is_claimed_for_each_endpoint_and_in_all(database: Database) -> None:
    busy, full, _ = [await add_endpoint(database, name, URL) for name in ("busy", "full", "new")]
    for _ in range(8):
        await add_invoice(database, NOW)
    claimed = await claim(database, room=Room(100, {busy: 2, full: 0}, 5))
    assert sorted(due.target.name for due in claimed) == ["busy"] * 2 + ["new"] * 5
    assert len(await claim(database, room=Room(4, {}, 100))) == 4


async def test_a_disabled_endpoint_keeps_its_deliveries_until_it_is_enabled(database: Database) -> None:
    endpoint_id = await add_endpoint(database, "shop", URL)
    await add_invoice(database, NOW)
    await rows(database, "UPDATE endpoints SET enabled = false WHERE id = $1", endpoint_id)
    async with database.connection() as connection:
        assert await deliveries.next_due(connection, NOW - LEASE) is None
    assert not await claim(database)
    await rows(database, "UPDATE endpoints SET enabled = true WHERE id = $1", endpoint_id)
    assert len(await claim(database)) == 1


async def test_an_endpoint_that_is_gone_is_disabled_with_the_outcome(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    await add_endpoint(database, "books", URL)
    await add_invoice(database, NOW)
    await add_invoice(database, NOW)
    gone = next(due for due in await claim(database) if due.target.name == "shop")
    assert await store(database, gone, DeliveryStatus.DEAD, gone=True)
    enabled = await rows(database, "SELECT name FROM endpoints WHERE enabled")
    assert [row["name"] for row in enabled] == ["books"]


async def test_an_outcome_is_stored_once_with_its_attempt(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    await add_invoice(database, NOW)
    (due,) = await claim(database)
    assert await store(database, due)
    assert not await store(database, due, DeliveryStatus.DEAD)
    (row,) = await rows(
        database,
        "SELECT status, attempts, leased_until, finished_at, attempt, status_code, response_head"
        " FROM deliveries JOIN delivery_attempts ON delivery_id = id",
    )
    assert tuple(row) == ("delivered", 1, None, NOW, 1, 200, "head")


async def test_next_due_is_the_first_that_is_not_due_yet(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    await add_invoice(database, NOW)
    await add_invoice(database, NOW + timedelta(seconds=7))
    await add_invoice(database, NOW + timedelta(seconds=9))
    async with database.connection() as connection:
        assert await deliveries.next_due(connection, NOW) == NOW + timedelta(seconds=7)


async def test_the_backlog_counts_what_waits_and_what_was_given_up(database: Database) -> None:
    await add_endpoint(database, "shop", URL)
    for seconds in (3, 1, 2):
        await add_invoice(database, NOW - timedelta(seconds=seconds))
    due = await claim(database)
    await store(database, due[0], DeliveryStatus.DEAD)
    async with database.connection() as connection:
        assert await backlog.read(connection) == backlog.Backlog(2, due[1].event_created_at, 1, 0)


async def test_the_environment_names_one_endpoint_whose_deliveries_follow_its_url(database: Database) -> None:
    async with database.connection() as connection:
        await ensure_environment_endpoint(connection, "http://old/", NOW)
        await add_invoice(database, NOW)
        for _ in range(2):
            await ensure_environment_endpoint(connection, "http://new/", NOW)
        (due,) = await claim(database)
        assert (due.target.name, due.target.url) == ("environment", "http://new/")
        await ensure_environment_endpoint(connection, None, NOW)
        await ensure_environment_endpoint(connection, None, NOW)
        await add_invoice(database, NOW)
        assert not await claim(database, NOW + LEASE)
        await ensure_environment_endpoint(connection, "http://new/", NOW)
        assert [again.id for again in await claim(database, NOW + LEASE)] == [due.id]
    (count,) = await rows(database, "SELECT count(*) FROM endpoints")
    assert count["count"] == 1


async def test_a_start_enables_what_was_gone_and_leaves_alone_what_somebody_has_disabled(database: Database) -> None:
    async with database.connection() as connection:
        for url, reason, enabled in (
            ("http://old/", endpoints.GONE, True),
            ("http://old/", "on the command line", False),
            ("http://new/", "over the API", False),
        ):
            await ensure_environment_endpoint(connection, "http://old/", NOW)
            await ensure_hook_endpoints(connection, {"diary": ["invoice.paid"]}, NOW)
            for endpoint in await endpoints.all_endpoints(connection):
                await endpoints.switch(connection, endpoint.id, endpoints.GONE, NOW, enabled=False)
                await endpoints.switch(connection, endpoint.id, reason, NOW, enabled=False)
            await ensure_environment_endpoint(connection, url, NOW)
            await ensure_hook_endpoints(connection, {"diary": ["invoice.paid", "invoice.expired"]}, NOW)
            found = await endpoints.all_endpoints(connection)
            assert [(each.enabled, each.disabled_reason) for each in found] == [
                (enabled, None if enabled else reason)
            ] * 2
            assert (found[0].url, len(found[1].event_types)) == (url, 2)
            for endpoint in found:
                await endpoints.switch(connection, endpoint.id, None, NOW, enabled=True)


_GENERATE = """
INSERT INTO endpoints (id, name, url, created_at, updated_at)
SELECT gen_random_uuid(), 'e' || n, 'http://x/', now(), now() FROM generate_series(1, 2) AS n;
INSERT INTO invoices (id, status, amount, ticker, chain, asset, decimals, pay_to_address,
                      created_at, expires_at, updated_at, private_info, metadata)
SELECT gen_random_uuid(), 'waiting', 1, 'T', 'c', 'a', 9, 'm', now(), now(), now(), '{}', '{}'
FROM generate_series(1, 50000);
INSERT INTO events (id, type, invoice_id, sequence, cause, created_at, body)
SELECT gen_random_uuid(), 'invoice.created', id, 1, 'test', now(), '{}' FROM invoices;
INSERT INTO deliveries (endpoint_id, event_id, invoice_id, sequence, status, due_at, created_at)
SELECT (SELECT id FROM endpoints WHERE name = 'e1'), id, invoice_id, 1,
       CASE WHEN row_number() OVER () <= 100 THEN 'pending' ELSE 'delivered' END, now(), now()
FROM events;
ANALYZE;
"""
_ARGUMENTS = {
    deliveries.CLAIM: "(now(), now() + interval '30 s', '{}', '{}', 50, 50)",
    deliveries.STORE_OUTCOMES: "(now(), '{1}', array[now()], '{dead}', array[now()], '{t}', array[now()], '{1}',"
    " '{200}', '{a}', '{b}')",
    deliveries.NEXT_DUE: "(now())",
    backlog.BACKLOG: "",
    backlog.GIVE_UP_REMOVED: "(now(), 100)",
}
_USED = {
    deliveries.CLAIM: "deliveries_due",
    deliveries.NEXT_DUE: "deliveries_due",
    backlog.BACKLOG: "deliveries_by_state",
}
"""Indexes that serve them."""


async def test_no_statement_of_the_sender_reads_what_is_finished(database: Database) -> None:
    async with database.connection() as connection, connection.transaction():
        await connection.execute(_GENERATE)
        for mode in ("force_custom_plan", "force_generic_plan"):
            await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
            for statement, arguments in _ARGUMENTS.items():
                await connection.execute(f"PREPARE hot AS {statement}")
                plan = [row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE hot {arguments}")]
                await connection.execute("DEALLOCATE hot")
                scans = [line for line in plan if "Seq Scan" in line and "endpoints" not in line]
                assert scans == [], f"{mode}:\n" + "\n".join(plan)
                used = _USED.get(statement)
                assert used is None or any(used in line for line in plan), "\n".join(plan)
