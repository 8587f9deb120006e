"""Credit in PostgreSQL: a double-entry ledger whose entries are never changed. A balance is a sum.

Spending is guarded by the row of the account that gives: `lock` it first, then read its balance, then enter. Accounts
are always locked in the order of their ids, before any invoice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from harvester.storage.database import Connection


class AccountKind(StrEnum):
    """Whose an account is; the last four are the house's own."""

    ADDRESS = "address"
    CUSTOMER = "customer"
    RECEIVED = "received"
    """Where confirmed money comes from."""
    SETTLED = "settled"
    """Where the money goes that paid for orders."""
    NOTES = "notes"
    """Where the money comes from that the merchant grants."""
    REFUNDED = "refunded"
    """Where money goes that was sent back."""


class EntryKind(StrEnum):
    """Why credit moved."""

    PAYMENT = "payment"
    NOTE = "note"
    SETTLEMENT = "settlement"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """Names an account of one chain and asset. In their order, addresses come before customers."""

    kind: AccountKind
    name: str = ""
    """The address or the customer; empty for the house's own."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement of credit."""

    kind: EntryKind
    from_account: int
    to_account: int
    amount: int
    """Base units, not negative."""
    payment_id: int | None = None
    invoice_id: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What has become of an account, in base units."""

    gained: int
    """Confirmed money, and what was granted."""
    spent: int
    """What paid for orders, was sent back or taken away."""

    @property
    def balance(self) -> int:
        """What is left."""
        return self.gained - self.spent


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A movement, as one account sees it."""

    owner: Owner
    """Whose account that is."""
    number: int
    kind: EntryKind
    amount: int
    """Base units; negative if the account gave them."""
    payment_id: int | None
    invoice_id: UUID | None
    actor: str
    reason: str | None
    created_at: datetime


# Existing ones are read first: an upsert of what is there would still use up a number of the sequence, and lock it.
OPEN: Final = """
INSERT INTO credit_accounts (chain, asset, kind, owner)
SELECT $1, $2, * FROM unnest($3::text[], $4::text[]) AS wanted (kind, owner)
WHERE NOT EXISTS (
    SELECT FROM credit_accounts AS there
    WHERE (there.chain, there.asset, there.kind, there.owner) = ($1, $2, wanted.kind, wanted.owner)
)
ORDER BY kind, owner
ON CONFLICT DO NOTHING
"""
FIND: Final = """
SELECT id, kind, owner FROM credit_accounts
WHERE chain = $1 AND asset = $2 AND (kind, owner) IN (SELECT * FROM unnest($3::text[], $4::text[]))
"""
LOCK: Final = "SELECT FROM credit_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"
BALANCES: Final = """
SELECT id,
    coalesce((SELECT sum(amount) FROM credit_entries WHERE to_account = account.id), 0)
    - coalesce((SELECT sum(amount) FROM credit_entries WHERE from_account = account.id), 0) AS balance
FROM unnest($1::bigint[]) AS account (id)
"""
HAVE_GAINED: Final = """
SELECT id FROM unnest($1::bigint[]) AS account (id)
WHERE EXISTS (SELECT FROM credit_entries WHERE to_account = account.id AND kind IN ('payment', 'note'))
"""
INSERT: Final = """
INSERT INTO credit_entries
    (actor, created_at, kind, from_account, to_account, amount, payment_id, invoice_id, reason)
SELECT $1, $2, * FROM unnest(
    $3::text[], $4::bigint[], $5::bigint[], $6::numeric[], $7::bigint[], $8::uuid[], $9::text[]
)
RETURNING number
"""
# What a house account gave and got tells how an account came to what it has.
STATEMENTS: Final = """
SELECT account.kind, account.owner, moves.*
FROM credit_accounts AS account, LATERAL (
    SELECT coalesce(sum(amount) FILTER (WHERE kind IN ('payment', 'note') AND to_account = account.id), 0) AS gained,
           coalesce(sum(amount) FILTER (WHERE from_account = account.id), 0) AS spent
    FROM (
        SELECT kind, amount, from_account, to_account FROM credit_entries WHERE to_account = account.id
        UNION ALL
        SELECT kind, amount, from_account, to_account FROM credit_entries WHERE from_account = account.id
    ) AS entries
) AS moves
WHERE chain = $1 AND asset = $2 AND (account.kind, account.owner) IN (SELECT * FROM unnest($3::text[], $4::text[]))
"""
HISTORY: Final = """
SELECT account.kind AS owner_kind, account.owner, number, entries.kind,
    CASE WHEN to_account = account.id THEN amount ELSE -amount END AS amount,
    payment_id, invoice_id, actor, reason, created_at
FROM credit_accounts AS account, LATERAL (
    (SELECT * FROM credit_entries WHERE to_account = account.id AND number < $6 ORDER BY number DESC LIMIT $5)
    UNION ALL
    (SELECT * FROM credit_entries WHERE from_account = account.id AND number < $6 ORDER BY number DESC LIMIT $5)
) AS entries
WHERE chain = $1 AND asset = $2 AND (account.kind, account.owner) IN (SELECT * FROM unnest($3::text[], $4::text[]))
ORDER BY number DESC LIMIT $5
"""
_LAST_NUMBER: Final = 2**63 - 1


async def accounts(connection: Connection, chain: str, asset: str, owners: Sequence[Owner]) -> Mapping[Owner, int]:
    """Return the ids of the accounts of `owners`, which are opened if they are not there."""
    kinds, names = [owner.kind.value for owner in owners], [owner.name for owner in owners]
    await connection.execute(OPEN, chain, asset, kinds, names)
    return await find(connection, chain, asset, owners)


async def find(connection: Connection, chain: str, asset: str, owners: Sequence[Owner]) -> Mapping[Owner, int]:
    """Return the ids of those accounts of `owners` that are open."""
    rows = await connection.fetch(
        FIND, chain, asset, [owner.kind.value for owner in owners], [owner.name for owner in owners]
    )
    return {Owner(AccountKind(row["kind"]), row["owner"]): row["id"] for row in rows}


async def lock(connection: Connection, ids: Sequence[int]) -> Mapping[int, int]:
    """Lock these accounts until the transaction ends, and return their balances."""
    await connection.execute(LOCK, sorted(ids))
    return await balances(connection, ids)  # a statement of its own, which sees what was waited for


async def balances(connection: Connection, ids: Sequence[int]) -> Mapping[int, int]:
    """Return the balances of these accounts: base units, negative where more was taken away than there was."""
    return {row["id"]: int(row["balance"]) for row in await connection.fetch(BALANCES, ids)}


async def have_gained(connection: Connection, ids: Sequence[int]) -> frozenset[int]:
    """Return which of these accounts ever got confirmed money, or were granted any."""
    return frozenset(row["id"] for row in await connection.fetch(HAVE_GAINED, ids))


async def statements(
    connection: Connection, chain: str, asset: str, owners: Sequence[Owner]
) -> Mapping[Owner, Statement]:
    """Return what has become of the credit of `owners`; those without an account have nothing."""
    kinds, names = [owner.kind.value for owner in owners], [owner.name for owner in owners]
    rows = await connection.fetch(STATEMENTS, chain, asset, kinds, names)
    found = {
        Owner(AccountKind(row["kind"]), row["owner"]): Statement(int(row["gained"]), int(row["spent"])) for row in rows
    }
    return {owner: found.get(owner, Statement(0, 0)) for owner in owners}


async def history(
    connection: Connection, chain: str, asset: str, owners: Sequence[Owner], limit: int, before: int | None
) -> Sequence[StatementLine]:
    """Return at most `limit` movements of the accounts of `owners`, the newest first: those before number `before`."""
    kinds, names = [owner.kind.value for owner in owners], [owner.name for owner in owners]
    before = _LAST_NUMBER if before is None else before
    rows = await connection.fetch(HISTORY, chain, asset, kinds, names, limit, before)
    return [_line(dict(row)) for row in rows]


async def insert(connection: Connection, entries: Sequence[Entry], actor: str, now: datetime) -> Sequence[int]:
    """Enter these movements; return their numbers. The accounts that give are locked, and can give it.

    Raises:
        asyncpg.UniqueViolationError: a payment is entered twice, or an order settled twice by one account.
    """
    rows = await connection.fetch(
        INSERT,
        actor,
        now,
        [entry.kind.value for entry in entries],
        [entry.from_account for entry in entries],
        [entry.to_account for entry in entries],
        [entry.amount for entry in entries],
        [entry.payment_id for entry in entries],
        [entry.invoice_id for entry in entries],
        [entry.reason for entry in entries],
    )
    return [row["number"] for row in rows]


def _line(row: dict[str, Any]) -> StatementLine:
    owner = Owner(AccountKind(row.pop("owner_kind")), row.pop("owner"))
    return StatementLine(owner, **row | {"kind": EntryKind(row["kind"])})
