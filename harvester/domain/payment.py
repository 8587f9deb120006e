"""Transfers (facts seen on chain) and payments (transfers as the ledger classed them)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
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
    order_reference: str | None = None
    """The order that it names, on chains where payers name orders; known or not."""
    claimant: str | None = None
    """The address whose owner has signed for that order."""
    provisional: bool = False
    """True while the chain may still take it back: it counts for nothing before it is confirmed."""
    ignored: bool = False
    """True for money that is nobody's payment (a bounce coming back); kept with its reason, never matched."""


class PaymentClass(StrEnum):
    """What a transfer meant for the invoice it names."""

    EXACT = "exact"
    """Completed the amount: to the unit, or short of it within the tolerance; the reason then says by how much."""
    PARTIAL = "partial"
    """In time, and something is still due."""
    OVER = "over"
    """Completed the amount with more than was due."""
    LATE = "late"
    """Made after `expires_at`, by chain time, or assigned to an invoice that had expired."""
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
    CREDIT = "credit"
    """Names no invoice, and is its sender's credit, out of which orders are paid."""


COUNTED: Final = frozenset(
    {
        PaymentClass.EXACT,
        PaymentClass.PARTIAL,
        PaymentClass.OVER,
        PaymentClass.LATE,
        PaymentClass.DUPLICATE,
        PaymentClass.AFTER_CANCEL,
    }
)
"""Classes of payments that are part of what their invoice has received."""


class Standing(StrEnum):
    """What has become of a payment since it was recorded."""

    RECORDED = "recorded"
    """Nothing: it is what the ledger made of it."""
    ASSIGNED = "assigned"
    """Somebody has said which invoice it is for."""
    REFUNDED = "refunded"
    """Somebody has sent the money back."""
    IGNORED = "ignored"
    """Nothing needs to be done about it: somebody has said so, or it is nobody's payment."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A transfer as the ledger classed it, which never changes, and what has become of it since."""

    id: int
    """Rises with recording, from 1."""
    chain: str
    tx_hash: str
    transfer_index: int
    account_address: str
    """Whose history it was read from."""
    pay_to_address: str
    asset: str
    amount: int
    """Base units, greater than 0."""
    payer: str
    time: datetime
    """Chain time of the transaction."""
    payment_class: PaymentClass
    reason: str | None
    text: str | None
    """What the payer wrote."""
    reference: UUID | None
    """The invoice id that the payer wrote, known or not."""
    invoice_id: UUID | None
    """The invoice it counts for or was meant for, by its reference."""
    proof: str | None
    """JSON object as text: what it was proven from; None: it was believed."""
    recorded_at: datetime
    standing: Standing
    assigned_to: UUID | None = None
    """The invoice that somebody has said it is for; it counts for that one."""
    assigned_class: PaymentClass | None = None
    """What it meant for that invoice."""
    order_reference: str | None = None
    """The order that the payer named, known or not."""
    confirmed: bool = True
    """False while the chain may still take it back."""

    @property
    def counts_for(self) -> UUID | None:
        """The invoice of whose `received` it is a part."""
        return self.assigned_to or (self.invoice_id if self.payment_class in COUNTED else None)
