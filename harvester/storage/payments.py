"""Payments in PostgreSQL: every incoming transfer once, as the ledger classed it, never rewritten."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from harvester.chain import Account
from harvester.domain.payment import Payment, PaymentClass, Standing, Transfer
from harvester.storage.database import Connection

KNOWN: Final = """
SELECT tx_hash, transfer_index FROM payments
WHERE chain = $1
  AND (tx_hash, transfer_index) IN (SELECT * FROM unnest($2::text[], $3::integer[]))
"""
INSERT: Final = """
INSERT INTO payments (
    chain, account_address, pay_to_address, proof, recorded_at, tx_hash, transfer_index, asset, amount, payer, time,
    class, reason, text, reference, invoice_id, order_reference, provisional, claimant
)
SELECT $1, $2, $3, $4, $5, * FROM unnest(
    $6::text[], $7::integer[], $8::text[], $9::numeric[], $10::text[], $11::timestamptz[],
    $12::text[], $13::text[], $14::text[], $15::uuid[], $16::uuid[], $17::text[], $18::boolean[], $19::text[]
)
RETURNING id, tx_hash, transfer_index
"""
_COLUMNS: Final = """id, chain, tx_hash, transfer_index, account_address, pay_to_address, asset, amount, payer, time,
    class, reason, text, reference, invoice_id, proof, recorded_at, standing, assigned_to, assigned_class,
    order_reference, confirmed"""
SELECT_ONE: Final = f"SELECT {_COLUMNS} FROM payment_standings WHERE id = $1"
LOCK: Final = "SELECT FROM payments WHERE id = $1 FOR UPDATE"
FIND: Final = "SELECT id FROM payments WHERE chain = $1 AND tx_hash = $2 AND transfer_index = $3 FOR UPDATE"
# Two that tell of one transfer, which one of them records, wait for each other.
LOCK_TRANSFER: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 72))"
CONFIRM: Final = """
INSERT INTO payment_confirmations (payment_id, confirmed_at, cause) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
EXISTS: Final = "SELECT EXISTS (SELECT FROM payments WHERE id = $1)"
# Each condition that a list may have, by the name of the filter; the argument stands for {}.
CONDITIONS: Final[Mapping[str, str]] = {
    "before": "(time, id) < (SELECT time, id FROM payments WHERE id = {}::bigint)",
    "payment_class": "class = {}::text",
    "standing": "standing = {}::text",
    "acted_on": "id = ANY (ARRAY(SELECT payment_id FROM payment_acts WHERE act = {}::text))",
    "set_aside": "(class = 'ignored' OR id = ANY (ARRAY(SELECT payment_id FROM payment_acts WHERE act = {}::text)))",
    "assets": "asset = ANY ({}::text[])",
    "since": "time >= {}::timestamptz",
    "until": "time < {}::timestamptz",
    "text": "strpos(lower(text), lower({}::text)) > 0",
    "payers": "payer = ANY ({}::text[])",
    "invoice_id": """id = ANY (ARRAY(
        SELECT id FROM payments WHERE invoice_id = {0}::uuid
        UNION ALL SELECT payment_id FROM payment_acts WHERE invoice_id = {0}::uuid
    ))""",
}

# Few payments are acted on: those that were are found among the acts, and not by looking through all payments.
_FOUND_BY: Final[Mapping[Standing | None, str]] = {
    Standing.ASSIGNED: "acted_on",
    Standing.REFUNDED: "acted_on",
    Standing.IGNORED: "set_aside",
}


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """Which payments a list shows; None: whatever it is."""

    payment_class: PaymentClass | None = None
    """As it was recorded."""
    standing: Standing | None = None
    assets: Sequence[str] | None = None
    """One of these."""
    since: datetime | None = None
    """Chain time, inclusive."""
    until: datetime | None = None
    """Chain time, exclusive."""
    text: str | None = None
    """Is part of what the payer wrote, in whatever case."""
    payers: Sequence[str] | None = None
    """One of these, in canonical form."""
    invoice_id: UUID | None = None
    """Was meant for it by its reference, or was assigned to it at some time."""


async def known(connection: Connection, chain: str, transfers: Sequence[Transfer]) -> set[tuple[str, int]]:
    """Return the (tx_hash, index) of those `transfers` that are recorded already."""
    rows = await connection.fetch(
        KNOWN, chain, [transfer.tx_hash for transfer in transfers], [transfer.index for transfer in transfers]
    )
    return {(row["tx_hash"], row["transfer_index"]) for row in rows}


async def insert(
    connection: Connection,
    account: Account,
    classed: Sequence[tuple[Transfer, PaymentClass, str | None, UUID | None]],
    proof: str | None,
    now: datetime,
) -> Mapping[tuple[str, int], int]:
    """Store new payments to `account`: (transfer, class, reason, invoice it is meant for), all proven from `proof`.

    Returns their ids by (tx_hash, index).
    """
    rows = await connection.fetch(
        INSERT,
        account.chain,
        account.address,
        account.pay_to_address,
        proof,
        now,
        [transfer.tx_hash for transfer, *_ in classed],
        [transfer.index for transfer, *_ in classed],
        [transfer.asset for transfer, *_ in classed],
        [transfer.amount for transfer, *_ in classed],
        [transfer.payer for transfer, *_ in classed],
        [transfer.time for transfer, *_ in classed],
        [payment_class.value for _, payment_class, _, _ in classed],
        [reason for _, _, reason, _ in classed],
        [transfer.text for transfer, *_ in classed],
        [transfer.invoice_id for transfer, *_ in classed],
        [invoice_id for *_, invoice_id in classed],
        [transfer.order_reference for transfer, *_ in classed],
        [transfer.provisional for transfer, *_ in classed],
        [transfer.claimant for transfer, *_ in classed],
    )
    return {(row["tx_hash"], row["transfer_index"]): row["id"] for row in rows}


async def get(connection: Connection, payment_id: int) -> Payment | None:
    """Return the payment, or None."""
    row = await connection.fetchrow(SELECT_ONE, payment_id)
    return _from_row(row) if row else None


async def lock(connection: Connection, payment_id: int) -> Payment | None:
    """Return the payment, or None; nobody else acts on it until the transaction ends."""
    await connection.execute(LOCK, payment_id)
    return await get(connection, payment_id)  # a statement of its own, which sees what was waited for


async def lock_by_transfer(connection: Connection, chain: str, tx_hash: str, index: int) -> Payment | None:
    """Return the payment of this transfer, or None; nobody else acts on it, or records it by this way, until the
    transaction ends.
    """
    await connection.execute(LOCK_TRANSFER, f"{chain} {tx_hash} {index}")
    payment_id = await connection.fetchval(FIND, chain, tx_hash, index)
    return await get(connection, payment_id) if payment_id else None


async def confirm(connection: Connection, payment_id: int, now: datetime, cause: str) -> None:
    """Note that the provisional payment is final. Idempotent."""
    await connection.execute(CONFIRM, payment_id, now, cause)


async def page(
    connection: Connection, wanted: PaymentFilter, limit: int, before: int | None = None
) -> Sequence[Payment] | None:
    """Return at most `limit` payments, newest first by chain time: those after payment `before` in that order.

    None: there is no payment `before`.
    """
    statement, arguments = page_statement(wanted, limit, before)
    rows = await connection.fetch(statement, *arguments)
    if not rows and before is not None and not await connection.fetchval(EXISTS, before):
        return None
    return [_from_row(row) for row in rows]


def page_statement(wanted: PaymentFilter, limit: int, before: int | None) -> tuple[str, Sequence[object]]:
    """Return the statement that selects a page, with its arguments: only conditions that are asked for are in it, so
    that the planner sees which index serves them.
    """
    found_by = {_FOUND_BY[wanted.standing]: wanted.standing} if wanted.standing in _FOUND_BY else {}
    wishes = {"before": before} | found_by | asdict(wanted)
    asked = [(name, value) for name, value in wishes.items() if value is not None]
    conditions = [CONDITIONS[name].format(f"${number}") for number, (name, _) in enumerate(asked, start=2)]
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    statement = f"SELECT {_COLUMNS} FROM payment_standings {where} ORDER BY time DESC, id DESC LIMIT $1"
    return statement, [limit, *(value for _, value in asked)]


def _from_row(row: asyncpg.Record) -> Payment:
    values = dict(row)
    assigned_class = values.pop("assigned_class")
    return Payment(
        payment_class=PaymentClass(values.pop("class")),
        standing=Standing(values.pop("standing")),
        assigned_class=PaymentClass(assigned_class) if assigned_class else None,
        **values,
    )
