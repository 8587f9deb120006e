"""An invoice for tests to begin with."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from uuid_utils.compat import uuid7

from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import Status


def waiting_invoice(now: datetime, **members: Any) -> Invoice:
    """Return an invoice that waits, made at `now` on the chain in memory, but for `members`."""
    invoice = Invoice(
        id=uuid7(),
        status=Status.WAITING,
        amount=100,
        received=0,
        ticker="MEM",
        chain="memory",
        asset="coin",
        decimals=9,
        pay_to_address="merchant",
        created_at=now,
        expires_at=now + timedelta(hours=1),
        updated_at=now,
        sequence=1,
        private_info="{}",
        metadata="{}",
    )
    return replace(invoice, **members)
