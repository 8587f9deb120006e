"""Pages of lists of invoices: each goes by an index, whatever the planner believes of the data."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from harvester.domain.lifecycle import Status
from harvester.storage import invoice_pages
from harvester.storage.database import Database
from harvester.storage.invoice_pages import ALL, Extract, InvoiceFilter
from tests.storage.explain import Explaining, Plan

FILL = """
INSERT INTO invoices (id, status, amount, ticker, chain, asset, decimals, pay_to_address, created_at, expires_at,
                      updated_at, private_info, metadata, paid_by, paid_at, tx_hash, order_id, customer_id)
SELECT (lpad(to_hex(n), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid, status, 1,
       CASE WHEN n % 997 = 0 THEN 'RARE' ELSE 'TON' END, 'memory', 'coin', 9, 'merchant',
       to_timestamp(1700000000 + n), now(), now(), '{}', '{}',
       CASE status WHEN 'paid' THEN 'payer' || n % 3000 END, CASE status WHEN 'paid' THEN now() END,
       CASE status WHEN 'paid' THEN md5(n::text) END, 'order' || n, 'customer' || n % 2000
FROM (
    SELECT n, CASE WHEN n > 19900 THEN 'waiting' WHEN n < 100 THEN 'cancelled' WHEN n % 20 = 0 THEN 'expired'
                   ELSE 'paid' END AS status
    FROM generate_series(1, 20000) AS n
) AS made
"""
START = datetime.fromtimestamp(1_700_000_000, UTC)
LATE = START + timedelta(seconds=19_000)
INDEXES = [
    (ALL, "invoices_pkey"),
    (InvoiceFilter(since=LATE), "invoices_by_time"),
    (InvoiceFilter(until=START + timedelta(seconds=500)), "invoices_by_time"),
    (InvoiceFilter(statuses=[Status.WAITING, Status.UNCLAIMED]), "invoices_by_status"),
    (InvoiceFilter(statuses=[Status.CANCELLED]), "invoices_by_status"),
    (InvoiceFilter(statuses=list(Status)), "invoices_by_status"),
    (InvoiceFilter(statuses=[Status.EXPIRED], since=LATE), "invoices_by_status"),
    (InvoiceFilter(ticker="RARE"), "invoices_by_currency"),
    (InvoiceFilter(ticker="NONE", until=LATE), "invoices_by_currency"),
    (InvoiceFilter(order_id="order17"), "invoices_by_order"),
    (InvoiceFilter(customer_id="customer17"), "invoices_by_customer"),
    (InvoiceFilter(payers=["payer17"]), "invoices_by_payer"),
    (InvoiceFilter(payers=["payer17", "PAYER17"], statuses=[Status.PAID]), "invoices_by_payer"),
    (InvoiceFilter(tx_hash="ab"), "invoices_pkey"),
]


async def test_a_page_goes_by_an_index_whichever_way_and_reads_little(database: Database) -> None:
    """One test, so that the table is filled once."""
    async with database.transaction() as connection:
        await connection.execute(FILL)
        await connection.execute("ANALYZE invoices")
        middle = await connection.fetchval("SELECT id FROM invoices ORDER BY id LIMIT 1 OFFSET 9999")
        extracts = [
            Extract(20, newest_first, **place)
            for newest_first in (False, True)
            for place in ({}, {"after": middle}, {"before": middle})
        ]
        for (wanted, index), extract in product(INDEXES, extracts):
            plan = await plan_of(connection, wanted, extract)
            assert index in {node.get("Index Name") for node in plan.nodes()}, plan.tree
            assert not plan.read_whole & {"invoices", "payments", "payment_acts"}, plan.tree
            assert plan.pages < 250, (wanted, extract, plan.pages)


async def plan_of(connection: Any, wanted: InvoiceFilter, extract: Extract) -> Plan:
    """How PostgreSQL selects a page."""
    explaining = Explaining(connection)
    await invoice_pages.page(explaining, wanted, extract)  # type: ignore[arg-type]  # it does what a connection does
    return next(plan for plan in explaining.plans if "LIMIT $1" in plan.sql)


ALIKE = """
INSERT INTO invoices (id, status, amount, ticker, chain, asset, decimals, pay_to_address, created_at, expires_at,
                      updated_at, private_info, metadata)
SELECT (lpad(to_hex(n), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid, 'expired', 1, 'TON', 'memory', 'coin', 9,
       'merchant', to_timestamp(1700000000 + n), now(), now(), '{}', '{}'
FROM generate_series(1, 20000) AS n
"""
READ = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'invoices'"
"""Invoices that this transaction has looked at."""


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_what_is_not_there_is_not_looked_for_in_all_that_is(database: Database, mode: str) -> None:
    """Where all invoices are alike, the planner takes any other value for one that they have."""
    async with database.transaction() as connection:
        await connection.execute(ALIKE)
        await connection.execute("ANALYZE invoices")
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        for wanted in (
            InvoiceFilter(statuses=[Status.WAITING, Status.UNCLAIMED]),
            InvoiceFilter(ticker="RARE"),
            InvoiceFilter(statuses=[Status.WAITING], ticker="TON"),
            InvoiceFilter(statuses=[Status.PAID, Status.EXPIRED], ticker="RARE"),
            InvoiceFilter(customer_id="alice", ticker="TON"),
            InvoiceFilter(payers=["bob"], statuses=[Status.EXPIRED]),
            InvoiceFilter(order_id="17", ticker="TON"),
            InvoiceFilter(tx_hash="17", statuses=[Status.EXPIRED]),
        ):
            for newest_first in (False, True):
                before = await connection.fetchval(READ)
                page = await invoice_pages.page(connection, wanted, Extract(20, newest_first))
                assert page is not None
                assert page.invoices == []
                assert await connection.fetchval(READ) - before < 20, wanted
