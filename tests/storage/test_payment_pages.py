"""Lists of payments go by an index, whatever is asked for; so does the search for what is to be watched."""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from harvester.domain.payment import PaymentClass, Standing
from harvester.storage import destinations
from harvester.storage.database import Database
from harvester.storage.payments import PaymentFilter, page_statement

FILL = """
INSERT INTO payments (
    chain, tx_hash, transfer_index, account_address, pay_to_address, asset, amount, payer, time, class, recorded_at
)
SELECT 'memory', n::text, 0, 'merchant', 'merchant', CASE WHEN n % 1000 = 0 THEN 'rare' ELSE 'coin' END, 1,
       'payer' || n % 5000, to_timestamp(1700000000 + n), CASE WHEN n % 500 = 0 THEN 'unmatched' ELSE 'exact' END, now()
FROM generate_series(1, 20000) AS n
"""
ACTS = """
INSERT INTO payment_acts (payment_id, act, actor, created_at)
SELECT id, 'refunded', 'test', now() FROM payments WHERE tx_hash IN ('17', '18')
"""
OLD = datetime.fromtimestamp(1_700_000_100, UTC)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (PaymentFilter(), "payments_by_time"),
        (PaymentFilter(until=OLD), "payments_by_time"),
        (PaymentFilter(payment_class=PaymentClass.UNMATCHED, standing=Standing.RECORDED), "payments_by_class"),
        (PaymentFilter(payment_class=PaymentClass.UNMATCHED, until=OLD), "payments_by_class"),
        (PaymentFilter(payers=["payer17"]), "payments_by_payer"),
        (PaymentFilter(payers=["payer17", "PAYER17"]), "payments_by_payer"),
        (PaymentFilter(assets=["rare"]), "payments_by_asset"),
        (PaymentFilter(invoice_id=UUID(int=5)), "payments_pkey"),
        (PaymentFilter(text="order"), "payments_by_time"),
    ],
)
@pytest.mark.parametrize("before", [None, 10_000])
async def test_a_list_goes_by_an_index(
    database: Database, wanted: PaymentFilter, index: str, before: int | None
) -> None:
    statement, arguments = page_statement(wanted, 20, before)
    async with database.transaction() as connection:
        await connection.execute(FILL)
        await connection.execute("ANALYZE payments")
        rows = await connection.fetch(f"EXPLAIN {statement}", *arguments)
    plan = "\n".join(row[0] for row in rows)
    assert index in plan
    assert not re.search("Seq Scan on (payments|payment_acts)", plan), plan


@pytest.mark.parametrize("standing", [Standing.ASSIGNED, Standing.REFUNDED, Standing.IGNORED])
async def test_what_was_acted_on_is_found_among_the_acts(database: Database, standing: Standing) -> None:
    statement, arguments = page_statement(PaymentFilter(standing=standing), 20, None)
    async with database.transaction() as connection:
        await connection.execute(FILL)
        await connection.execute(ACTS)
        await connection.execute("ANALYZE payments, payment_acts")
        found = [row["id"] for row in await connection.fetch(statement, *arguments)]
        rows = await connection.fetch(f"EXPLAIN {statement}", *arguments)
    assert len(found) == (2 if standing is Standing.REFUNDED else 0)
    plan = "\n".join(row[0] for row in rows)
    assert not re.search("Seq Scan on payments|payments_by_time", plan), plan


async def test_what_is_needed_is_found_step_by_step_however_many_invoices_are_open(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO invoices (id, status, amount, ticker, chain, asset, decimals, pay_to_address, created_at,"
            " expires_at, updated_at, private_info, metadata) SELECT gen_random_uuid(), 'waiting', 1, 'T', 'memory',"
            " 'coin' || n % 3, 9, 'merchant', now(), now(), now(), '{}', '{}' FROM generate_series(1, 20000) AS n"
        )
        await connection.execute("ANALYZE invoices")
        now = datetime.now(UTC)
        rows = await connection.fetch(f"EXPLAIN ANALYZE {destinations.NOTE}", "memory", now, [], [])
        found = await destinations.needed_since(connection, "memory", now)
    assert [each.asset for each in found] == ["coin0", "coin1", "coin2"]
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan on invoices" not in plan, plan
    assert "invoices_open_by" in plan
