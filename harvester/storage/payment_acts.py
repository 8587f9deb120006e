"""What people did with payments, in order. Acts are added, never rewritten."""

from collections.abc import Sequence
from typing import Final

from harvester.domain.acts import Act, RecordedAct
from harvester.domain.payment import PaymentClass
from harvester.storage.database import Connection

INSERT: Final = """
INSERT INTO payment_acts (payment_id, act, reason, actor, created_at, invoice_id, class)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
SELECT: Final = """
SELECT act, reason, actor, created_at, invoice_id, class FROM payment_acts WHERE payment_id = $1 ORDER BY number
"""


async def insert(connection: Connection, payment_id: int, act: RecordedAct) -> None:
    """Store what was done with a payment, whose row is locked."""
    await connection.execute(
        INSERT,
        payment_id,
        act.kind.value,
        act.reason,
        act.actor,
        act.created_at,
        act.invoice_id,
        act.payment_class.value if act.payment_class else None,
    )


async def of_payment(connection: Connection, payment_id: int) -> Sequence[RecordedAct]:
    """Return what was done with a payment, oldest first."""
    return [
        RecordedAct(
            Act(row["act"]),
            row["reason"],
            row["actor"],
            row["created_at"],
            row["invoice_id"],
            PaymentClass(row["class"]) if row["class"] else None,
        )
        for row in await connection.fetch(SELECT, payment_id)
    ]
