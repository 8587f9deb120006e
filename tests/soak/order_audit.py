"""The audit of orders: customers, the ledger, the events, the backend and the shop must tell the same story."""

from collections import Counter
from typing import Final

import asyncpg

from tests.e2e.backend import Backend
from tests.e2e.tari_shop import MICRO
from tests.services.test_credit_whole import BALANCES, UNSOUND
from tests.soak.audit import Books, Verdict, audit_payment_events, audit_webhooks
from tests.soak.customers import Customers

CHAIN: Final = "tari"
_ORDERS: Final = "SELECT order_id, status FROM invoices"
_PAYMENTS: Final = "SELECT tx_hash, payer, amount::text, confirmed FROM payment_standings"
_CLAIMED: Final = "invoice.claimed"
_TWICE: Final = """
SELECT invoice_id::text, type FROM events WHERE invoice_id IS NOT NULL GROUP BY invoice_id, type HAVING count(*) > 1
"""


async def audit_orders(rounds: int, connection: asyncpg.Connection, customers: Customers, backend: Backend) -> Verdict:
    """Compare what was ordered and paid with everything that is left."""
    verdict = Verdict(rounds, len(customers.paid))
    for row in await connection.fetch(UNSOUND, CHAIN):
        verdict.find("doubled", f"{row['what']}: {row['which']}")
    for row in await connection.fetch(_TWICE):
        verdict.find("doubled", f"{row['type']} of {row['invoice_id']}")
    await _audit_payments(verdict, connection, customers)
    await _audit_orders(verdict, connection, customers)
    await _audit_credit(verdict, connection, customers)
    books = await Books.read(connection)
    audit_payment_events(verdict, books)
    told = [row for row in books.events if row["type"] != _CLAIMED]  # of which backends hear only if they ask for it
    audit_webhooks(verdict, Books(books.payments, books.invoices, told), backend)
    return verdict


async def _audit_payments(verdict: Verdict, connection: asyncpg.Connection, customers: Customers) -> None:
    made = Counter((txid, payer, xtr * MICRO, True) for txid, (payer, xtr) in customers.paid.items())
    booked = Counter(
        (row["tx_hash"], row["payer"], int(row["amount"]), row["confirmed"])
        for row in await connection.fetch(_PAYMENTS)
    )
    for payment, count in (made - booked).items():
        verdict.find("lost", f"payment {payment}", count)
    for payment, count in (booked - made).items():
        verdict.find("doubled", f"payment {payment}", count)


async def _audit_orders(verdict: Verdict, connection: asyncpg.Connection, customers: Customers) -> None:
    found = {row["order_id"]: row["status"] for row in await connection.fetch(_ORDERS)}
    for order_id, end in customers.orders.items():
        kind = "lost" if end == "paid" else "doubled"
        verdict.find(kind, f"order {order_id} is {found.get(order_id)}, should be {end}", found.get(order_id) != end)
    for order_ids, payable in customers.rushes:
        ends = Counter(found.get(order_id) for order_id in order_ids)
        kind = "lost" if ends["paid"] < payable else "doubled"
        good = ends == {"paid": payable, "waiting": len(order_ids) - payable}
        verdict.find(kind, f"orders {order_ids} are {ends}, {payable} should be paid", not good)
    for order_id, status in found.items():
        captures = len(customers.admin.orders[order_id].captures())
        verdict.find("doubled", f"order {order_id} was captured {captures} times", captures > (status == "paid"))
        verdict.find("webhooks_missing", f"order {order_id} was not captured", captures < (status == "paid"))


async def _audit_credit(verdict: Verdict, connection: asyncpg.Connection, customers: Customers) -> None:
    rows = await connection.fetch(BALANCES, CHAIN)
    found = {row["owner"]: int(row["balance"]) for row in rows if row["kind"] == "address"}
    for payer, xtr in customers.left.items():
        difference = xtr * MICRO - found.get(payer, 0)
        verdict.find("lost" if difference > 0 else "doubled", f"{difference} µT of {payer}", difference != 0)
