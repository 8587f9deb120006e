"""Transfers (facts seen on chain) and payments (transfers as the ledger classed them)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of one asset to a watched account, as an adapter decoded it.

    `(chain, tx_hash, index)` identifies it for ever; seeing it again is no news.
    """

    tx_hash: str
    """Transaction hash, lower-case hex."""
    index: int
    """Which transfer of its transaction, from 0."""
    asset: str
    """Asset id in the adapter's namespace, such as `ton` or `jetton:0:…`."""
    amount: int
    """Base units, greater than 0."""
    payer: str
    """Sender in the chain's canonical form (TON: raw address)."""
    time: datetime
    """Chain time of the transaction, aware UTC, whole seconds."""
    invoice_id: UUID | None = None
    """The one invoice its reference names, if it names one."""
    text: str | None = None
    """Text that came with it, without U+0000."""
    reason: str | None = None
    """Why it names no invoice, or why it is ignored."""
    ignored: bool = False
    """True for money that is nobody's payment (a bounce coming back); kept with its reason, never matched."""


class PaymentClass(StrEnum):
    """What a transfer meant for the invoice it names."""

    EXACT = "exact"
    """Completed the amount to the unit."""
    PARTIAL = "partial"
    """In time, and something is still due."""
    OVER = "over"
    """Completed the amount with more than was due."""
    LATE = "late"
    """Made after `expires_at`, by chain time."""
    DUPLICATE = "duplicate"
    """The invoice was paid already."""
    AFTER_CANCEL = "after_cancel"
    """The merchant had cancelled the invoice."""
    UNMATCHED = "unmatched"
    """Names no invoice, or none that exists."""
    WRONG_ASSET = "wrong_asset"
    """Names an invoice that asks for another asset or another wallet."""
    IGNORED = "ignored"
    """Nobody's payment, for the reason given."""
