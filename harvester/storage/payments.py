"""Payments in PostgreSQL: every incoming transfer once, as the ledger classed it, never rewritten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from harvester.chain import Account
from harvester.domain.payment import PaymentClass, Transfer
from harvester.storage.database import Connection

KNOWN: Final = """
SELECT tx_hash, transfer_index FROM payments
WHERE chain = $1
  AND (tx_hash, transfer_index) IN (SELECT * FROM unnest($2::text[], $3::integer[]))
"""
INSERT: Final = """
INSERT INTO payments (
    chain, account_address, pay_to_address, proof, recorded_at, tx_hash, transfer_index, asset, amount, payer, time,
    class, reason, text, reference, invoice_id
)
SELECT $1, $2, $3, $4, $5, * FROM unnest(
    $6::text[], $7::integer[], $8::text[], $9::numeric[], $10::text[], $11::timestamptz[],
    $12::text[], $13::text[], $14::text[], $15::uuid[], $16::uuid[]
)
"""
_COLUMNS: Final = """id, chain, tx_hash, transfer_index, account_address, pay_to_address, asset, amount, payer, time,
    class, reason, text, reference, invoice_id, proof, recorded_at"""
SELECT_ONE: Final = f"SELECT {_COLUMNS} FROM payments WHERE id = $1"
SELECT_PAGE: Final = f"""
SELECT {_COLUMNS} FROM payments
WHERE id < $2 AND ($3::text IS NULL OR class = $3) AND ($4::uuid IS NULL OR invoice_id = $4)
ORDER BY id DESC LIMIT $1
"""
_MAX_ID: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Payment:
    """A transfer as the ledger classed it."""

    id: int
    chain: str
    tx_hash: str
    transfer_index: int
    account_address: str
    pay_to_address: str
    asset: str
    amount: int
    payer: str
    time: datetime
    payment_class: PaymentClass
    reason: str | None
    text: str | None
    reference: UUID | None
    """The invoice id that the payer wrote, known or not."""
    invoice_id: UUID | None
    """The invoice it counts for or was meant for."""
    proof: str | None
    """JSON object as text: what it was proven from; None: it was believed."""
    recorded_at: datetime


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
) -> None:
    """Store new payments to `account`: (transfer, class, reason, invoice it is meant for), all proven from `proof`."""
    await connection.execute(
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
    )


async def get(connection: Connection, payment_id: int) -> Payment | None:
    """Return the payment, or None."""
    row = await connection.fetchrow(SELECT_ONE, payment_id)
    return _from_row(row) if row else None


async def page(
    connection: Connection,
    limit: int,
    before: int | None = None,
    payment_class: PaymentClass | None = None,
    invoice_id: UUID | None = None,
) -> Sequence[Payment]:
    """Return at most `limit` payments, newest first, those recorded before the one with id `before`, filtered."""
    rows = await connection.fetch(
        SELECT_PAGE,
        limit,
        _MAX_ID if before is None else before,
        payment_class.value if payment_class else None,
        invoice_id,
    )
    return [_from_row(row) for row in rows]


def _from_row(row: asyncpg.Record) -> Payment:
    values = dict(row)
    return Payment(payment_class=PaymentClass(values.pop("class")), **values)
