"""Lists of invoices, page by page in both directions, and narrowed down by what indexes can bear."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import Status
from harvester.storage.database import Connection
from harvester.storage.invoices import COLUMNS, STORED, from_row

EXISTS: Final = "SELECT EXISTS (SELECT FROM invoices WHERE id = $1)"
# Each condition that a list may have, by the name of the filter; the argument stands for {}.
CONDITIONS: Final[Mapping[str, str]] = {
    "ticker": "ticker = {}::text",
    "since": "created_at >= {}::timestamptz",
    "until": "created_at < {}::timestamptz",
    "order_id": "order_id = {}::text",
    "customer_id": "customer_id = {}::text",
    "orders": "order_id IS NOT NULL AND {}::boolean",
    # Chains that were never scanned have no payments; naming them lets the payments' own key serve.
    "tx_hash": """id = ANY (ARRAY(
        SELECT unnest(ARRAY[counts_for, invoice_id]) FROM payment_standings
        WHERE chain IN (SELECT chain FROM accounts) AND tx_hash = {}::text
    ))""",
}


class _Order(NamedTuple):
    key: str
    rising: str
    falling: str


# Ids rise with creation: without a filter, the table's own key is the order. All other indexes have the time before it.
_BY_ID: Final = _Order("id", "id", "id DESC")
_BY_TIME: Final = _Order("created_at, id", "created_at, id", "created_at DESC, id DESC")
# One of several values: each is looked up by itself, in order, so that no page reads and sorts all that have one.
ALTERNATIVES: Final[Mapping[str, str]] = {"statuses": "status", "payers": "paid_by"}


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
    statement, arguments = page_statement(wanted, extract)
    rows = await connection.fetch(statement, *arguments)
    cursor = extract.after or extract.before
    if not rows and cursor is not None and not await connection.fetchval(EXISTS, cursor):
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


def page_statement(wanted: InvoiceFilter, extract: Extract) -> tuple[str, Sequence[object]]:
    """Return the statement that selects a page and one invoice more, with its arguments. Rows come in the order in
    which they are looked for: backwards for what is `before`.

    Only conditions that are asked for are in it, so that the planner sees which index serves them.
    """
    asked = {field.name: value for field in fields(wanted) if (value := getattr(wanted, field.name)) is not None}
    arguments = [
        extract.limit + 1,
        *(_distinct(value) if name in ALTERNATIVES else value for name, value in asked.items()),
    ]
    places = {name: f"${number}" for number, name in enumerate(asked, start=2)}
    conditions = [text.format(places[name]) for name, text in CONDITIONS.items() if name in asked]
    conditions += [f"{column} = wanted_{column}" for name, column in ALTERNATIVES.items() if name in asked]
    order = _BY_TIME if asked else _BY_ID
    rises = extract.newest_first is (extract.before is not None)
    if cursor := extract.after or extract.before:
        arguments.append(cursor)
        beyond = f"(SELECT {order.key} FROM invoices WHERE id = ${len(arguments)}::uuid)"
        conditions.append(f"({order.key}) {'>' if rises else '<'} {beyond}")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    sort = f"ORDER BY {order.rising if rises else order.falling} LIMIT $1::bigint"
    return f"SELECT {COLUMNS} FROM {_source(places, where, sort)} {sort}", arguments


def _source(places: Mapping[str, str], where: str, sort: str) -> str:
    lists = [
        f"unnest({places[name]}::text[]) AS wanted_{column}" for name, column in ALTERNATIVES.items() if name in places
    ]
    if not lists:
        return f"invoices {where}"
    return f"{', '.join(lists)}, LATERAL (SELECT {STORED} FROM invoices {where} {sort}) AS invoices"


def _distinct(values: Sequence[str]) -> Sequence[str]:
    return list(dict.fromkeys(values))
