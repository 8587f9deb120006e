"""Lists of invoices, page by page in both directions, and narrowed down by what indexes can bear.

A page with a filter is read along the filter's index from where it begins, whatever the planner believes of the data:
value, moment of creation and id are compared together, as the index has them. With several filters one leads, and what
it leads to is looked through for the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import Status
from harvester.storage.database import Connection
from harvester.storage.invoices import COLUMNS, STORED, from_row

EXISTS: Final = "SELECT EXISTS (SELECT FROM invoices WHERE id = $1)"
SELECT_CREATION: Final = "SELECT created_at FROM invoices WHERE id = $1"
# Each condition that a list may have, by the name of the filter; the argument stands for {}.
CONDITIONS: Final[Mapping[str, str]] = {
    "order_id": "order_id = {}::text",
    "orders": "order_id IS NOT NULL AND {}::boolean",
    # Chains that were never scanned have no payments; naming them lets the payments' own key serve.
    "tx_hash": """id = ANY (ARRAY(
        SELECT unnest(ARRAY[counts_for, invoice_id]) FROM payment_standings
        WHERE chain IN (SELECT chain FROM accounts) AND tx_hash = {}::text
    ))""",
    "payers": "paid_by = ANY ({}::text[])",
    "customer_id": "customer_id = {}::text",
    "statuses": "status = ANY ({}::text[])",
    "ticker": "ticker = {}::text",
}
# Filters that have an index in the order of creation, with its column. The first that is asked for is gone by.
LEADS: Final[Mapping[str, str]] = {
    "payers": "paid_by",
    "customer_id": "customer_id",
    "statuses": "status",
    "ticker": "ticker",
}
_FIRST: Final = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
_LAST: Final = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """Which invoices a list shows; None: whatever it is."""

    statuses: Sequence[Status] | None = None
    """One of these."""
    ticker: str | None = None
    since: datetime | None = None
    """Created then or later."""
    until: datetime | None = None
    """Created before that."""
    order_id: str | None = None
    customer_id: str | None = None
    orders: bool | None = None
    """True: only those that have an order_id."""
    tx_hash: str | None = None
    """A payment that came in this transaction names it, or counts for it."""
    payers: Sequence[str] | None = None
    """It was settled by one of these addresses, in canonical form."""


ALL: Final = InvoiceFilter()


@dataclass(frozen=True, slots=True)
class Extract:
    """Which part of a list is asked for: its beginning, or what is next to one invoice."""

    limit: int
    newest_first: bool = False
    """Otherwise the oldest is the first."""
    after: UUID | None = None
    """What follows this invoice in the list."""
    before: UUID | None = None
    """What comes before this invoice in the list, up to it; not together with `after`."""

    @property
    def cursor(self) -> UUID | None:
        """The invoice that it is next to."""
        return self.after or self.before

    @property
    def rises(self) -> bool:
        """Whether the search goes from older to newer."""
        return self.newest_first is (self.before is not None)


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """A part of a list, in its order."""

    invoices: Sequence[Invoice]
    following: UUID | None
    """The last one, if there are more after it."""
    preceding: UUID | None
    """The first one, if there are, or were, others before it."""


async def page(connection: Connection, wanted: InvoiceFilter, extract: Extract) -> InvoicePage | None:
    """Return a page in order of creation; None: there is no invoice `after` or `before`."""
    rows = await (_all(connection, extract) if wanted == ALL else _some(connection, wanted, extract))
    if rows is None:
        return None
    found = [from_row(row) for row in rows[: extract.limit]]
    more = len(rows) > extract.limit
    if extract.before is not None:
        found.reverse()
        return _page(found, is_followed=True, is_preceded=more)
    return _page(found, is_followed=more, is_preceded=extract.after is not None)


def _page(found: Sequence[Invoice], *, is_followed: bool, is_preceded: bool) -> InvoicePage:
    return InvoicePage(
        found, found[-1].id if found and is_followed else None, found[0].id if found and is_preceded else None
    )


async def _all(connection: Connection, extract: Extract) -> Sequence[Any] | None:
    """Return the rows of a page and one more, in the order of ids, which rise with creation."""
    cursor = extract.cursor
    sign, direction = (">", "ASC") if extract.rises else ("<", "DESC")
    where = f"WHERE id {sign} (SELECT id FROM invoices WHERE id = $2)" if cursor else ""
    statement = f"SELECT {COLUMNS} FROM invoices {where} ORDER BY id {direction} LIMIT $1"
    rows = await connection.fetch(statement, extract.limit + 1, *([cursor] if cursor else []))
    if not rows and cursor is not None and not await connection.fetchval(EXISTS, cursor):
        return None
    return rows


async def _some(connection: Connection, wanted: InvoiceFilter, extract: Extract) -> Sequence[Any] | None:
    """Return the rows of a page and one more, in the order of creation and id."""
    lower = (wanted.since, UUID(int=0)) if wanted.since else _FIRST
    upper = (wanted.until, UUID(int=0)) if wanted.until else _LAST
    if cursor := extract.cursor:
        created_at = await connection.fetchval(SELECT_CREATION, cursor)
        if created_at is None:
            return None
        if extract.rises:
            lower = max(lower, (created_at, cursor))
        else:
            upper = min(upper, (created_at, cursor))
    statement, values = _statement(wanted, rises=extract.rises)
    return await connection.fetch(statement, extract.limit + 1, *lower, *upper, *values)


def _statement(wanted: InvoiceFilter, *, rises: bool) -> tuple[str, Sequence[object]]:
    """Return what selects $1 invoices between ($2, $3) and ($4, $5), with its arguments from $6 on.

    Only conditions that are asked for are in it: there is one statement for each set of filters.
    """
    asked: dict[str, Any] = {name: value for name in CONDITIONS if (value := getattr(wanted, name)) is not None}
    lead = _lead(asked)
    if lead is not None:  # each value is gone by once
        asked[lead] = [asked[lead]] if isinstance(asked[lead], str) else list(dict.fromkeys(asked[lead]))
    places = {name: f"${number}" for number, name in enumerate(asked, start=6)}
    conditions = [CONDITIONS[name].format(places[name]) for name in asked if name != lead]
    if lead is None:
        invoices = f"invoices WHERE {' AND '.join([*_between('', ''), *conditions])}"
    else:
        column = LEADS[lead]
        conditions += [f"{column} IS NOT NULL", *_between(f"{column}, ", "wanted, ")]
        invoices = f"""
            unnest({places[lead]}::text[]) AS wanted, LATERAL (
                SELECT {STORED} FROM invoices WHERE {" AND ".join(conditions)} {_order(rises, column)} LIMIT $1
            ) AS invoices"""
    return f"SELECT {COLUMNS} FROM {invoices} {_order(rises)} LIMIT $1", list(asked.values())


def _lead(asked: Mapping[str, Any]) -> str | None:
    if {"order_id", "tx_hash"} & asked.keys():
        return None  # a few invoices at most
    if "ticker" in asked and Status.PAID in asked.get("statuses", ()) and not {"payers", "customer_id"} & asked.keys():
        return "ticker"  # most invoices are paid, as a rule
    return next((name for name in LEADS if name in asked), None)


def _between(columns: str, values: str) -> Sequence[str]:
    return [f"({columns}created_at, id) > ({values}$2, $3)", f"({columns}created_at, id) < ({values}$4, $5)"]


def _order(rises: bool, *columns: str) -> str:
    direction = "ASC" if rises else "DESC"
    return "ORDER BY " + ", ".join(f"{column} {direction}" for column in (*columns, "created_at", "id"))
