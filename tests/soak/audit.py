"""The audit: chain, payments, invoices, events and webhooks must tell the same story."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import asyncpg

from tests.e2e.backend import Backend
from tests.soak.buyers import Buyers

_PAYMENTS: Final = """
SELECT payments.id, asset, amount::text, invoice_id::text, class, coalesce(told, 0) AS told
FROM payments LEFT JOIN (
    SELECT (body -> 'payment' ->> 'id')::bigint AS id, count(*) AS told
    FROM events WHERE type = 'payment.received' GROUP BY 1
) AS events ON events.id = payments.id
"""
_INVOICES: Final = """
SELECT id::text, status, received::text, (
    SELECT coalesce(sum(payments.amount), 0)::text FROM payments WHERE invoice_id = invoices.id
) AS booked FROM invoices
"""
_EVENTS: Final = """
SELECT id::text, type, invoice_id::text, sequence FROM events WHERE sequence IS NOT NULL ORDER BY invoice_id, sequence
"""
_TOLD: Final = {
    "unclaimed": ["waiting"],
    "waiting": ["waiting"],
    "paid": ["waiting", "paid"],
    "expired": ["waiting", "expired"],
    "cancelled": ["waiting", "cancelled"],
}
"""What a merchant must have heard of an invoice that ended so."""


@dataclass
class Verdict:
    """What the audit found; all but the first two must be 0."""

    rounds: int
    payments: int
    lost: int = 0
    doubled: int = 0
    webhooks_missing: int = 0
    out_of_order: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def numbers(self) -> dict[str, int]:
        """The result in numbers."""
        return {name: value for name, value in asdict(self).items() if name != "findings"}

    def find(self, kind: str, what: str, count: int = 1) -> None:
        """Note something that must not be."""
        if count > 0:
            setattr(self, kind, getattr(self, kind) + count)
            self.findings.append(f"{kind}: {what}")


@dataclass(frozen=True)
class Books:
    """Everything that is left in the database."""

    payments: Sequence[asyncpg.Record]
    invoices: Sequence[asyncpg.Record]
    events: Sequence[asyncpg.Record]

    @classmethod
    async def read(cls, connection: asyncpg.Connection) -> "Books":
        """Read them in one snapshot."""
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return cls(*[await connection.fetch(query) for query in (_PAYMENTS, _INVOICES, _EVENTS)])


def audit(rounds: int, books: Books, buyers: Buyers, received: dict[str, int], backend: Backend) -> Verdict:
    """Compare what was paid, what the chain says was `received` (by asset), the books, and what the backend heard."""
    verdict = Verdict(rounds, len(buyers.paid))
    _audit_payments(verdict, books, buyers, received)
    audit_payment_events(verdict, books)
    _audit_invoices(verdict, books, buyers)
    audit_webhooks(verdict, books, backend)
    return verdict


def _audit_payments(verdict: Verdict, books: Books, buyers: Buyers, received: dict[str, int]) -> None:
    made = Counter((paid.asset, paid.amount) for paid in buyers.paid)
    booked = Counter((row["asset"], int(row["amount"])) for row in books.payments if row["class"] != "ignored")
    for (asset, amount), count in (made - booked).items():
        verdict.find("lost", f"a payment of {amount} {asset}", count)
    for (asset, amount), count in (booked - made).items():
        verdict.find("doubled", f"a payment of {amount} {asset}", count)
    totals: Counter[str] = Counter()
    for row in books.payments:
        totals[row["asset"]] += int(row["amount"])
    for asset, total in received.items():
        verdict.find("lost", f"{total - totals[asset]} {asset} of the chain's total", total > totals[asset])
        verdict.find("doubled", f"{totals[asset] - total} {asset} above the chain's total", total < totals[asset])


def audit_payment_events(verdict: Verdict, books: Books) -> None:
    """Find payments of which not exactly one event says that they came, but for those that are nobody's."""
    for row in books.payments:
        too_many = row["told"] - (row["class"] != "ignored")
        verdict.find("lost", f"the event of payment {row['id']}", -too_many)
        verdict.find("doubled", f"the event of payment {row['id']}", too_many)


def _audit_invoices(verdict: Verdict, books: Books, buyers: Buyers) -> None:
    invoices = {row["id"]: row for row in books.invoices}
    for row in books.invoices:
        credited, booked = int(row["received"]), int(row["booked"])
        verdict.find("lost", f"{booked - credited} of what came for invoice {row['id']}", credited < booked)
        verdict.find("doubled", f"{credited - booked} in invoice {row['id']}", credited > booked)
    for order in buyers.orders:
        if order.invoice_id not in invoices:
            verdict.find("lost", f"invoice {order.invoice_id}")
            continue
        row = invoices[order.invoice_id]
        found, expected = (row["status"], int(row["received"])), (order.status, order.received)
        kind = "doubled" if found[1] > expected[1] else "lost"
        verdict.find(kind, f"invoice {order.invoice_id} is {found}, should be {expected}", found != expected)


def audit_webhooks(verdict: Verdict, books: Books, backend: Backend) -> None:
    """Find what the backend should have heard of the invoices in the books, and has not, or not in order."""
    told: dict[str, list[asyncpg.Record]] = {}
    for row in books.events:
        told.setdefault(row["invoice_id"], []).append(row)
    heard: dict[str, dict[str, str]] = {}
    for delivery in backend.deliveries:
        heard.setdefault(delivery.invoice_id, {}).setdefault(delivery.event_id, delivery.status)
    for invoice in books.invoices:
        _audit_invoice_webhooks(verdict, invoice, told.get(invoice["id"], []), heard.pop(invoice["id"], {}))
    for invoice_id in heard:
        verdict.find("lost", f"invoice {invoice_id}, of which the backend was told")
    for refusal in backend.refused:
        verdict.find("webhooks_missing", f"a webhook was not signed well: {refusal}")


def _audit_invoice_webhooks(
    verdict: Verdict, invoice: asyncpg.Record, events: Sequence[asyncpg.Record], heard: dict[str, str]
) -> None:
    name, ids = f"invoice {invoice['id']}", [row["id"] for row in events]
    expected = _TOLD[invoice["status"]]
    statuses = [row["type"].removeprefix("invoice.").replace("created", "waiting") for row in events]
    verdict.find("webhooks_missing", f"{name} has the events {statuses}", len(set(expected) - set(statuses)))
    verdict.find("doubled", f"{name} has the events {statuses}", len(statuses) - len(expected))
    missing = [event_id for event_id in ids if event_id not in heard]
    verdict.find("webhooks_missing", f"{name}: the backend was not told of {missing}", len(missing))
    strange = [event_id for event_id in heard if event_id not in ids]
    verdict.find("doubled", f"{name}: the backend was told of {strange}, which are no events of it", len(strange))
    in_order = [event_id for event_id in ids if event_id in heard] == [each for each in heard if each in ids]
    verdict.find("out_of_order", f"{name}: the backend heard {list(heard.values())}", not in_order)
