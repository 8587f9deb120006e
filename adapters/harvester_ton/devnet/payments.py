"""Payments as a test or a demo asks for them, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass

from harvester_ton.devnet.accounts import Address, Transaction
from harvester_ton.devnet.boc import read_root
from harvester_ton.devnet.cells import Builder, Cell
from harvester_ton.devnet.delivery import Trace


@dataclass(frozen=True)
class Payment:
    """One payment to make. `amount` in base units; `asset` is "ton", a ticker or a raw master address.

    `text` or `payload` (a cell) is the comment; `forward_amount_nano` is for jettons (0: no notification).
    """

    to: Address | str
    amount: int
    asset: str = "ton"
    text: str | None = None
    payload: Cell | bytes | None = None
    forward_amount_nano: int = 1
    sender: str = "buyer"
    bounce: bool = False

    def body(self) -> Cell | None:
        """The comment as a cell. Raises `ValueError` when there are two."""
        if self.text is not None and self.payload is not None:
            raise ValueError("give text or payload, not both")
        if self.text is not None:
            return comment(self.text)
        return read_root(self.payload) if isinstance(self.payload, bytes) else self.payload


@dataclass(frozen=True)
class Paid:
    """What came of payments submitted together. `block_seqno` is None while they still wait."""

    traces: tuple[Trace, ...]
    block_seqno: int | None

    @property
    def transactions(self) -> tuple[Transaction, ...]:
        """Everything the payments caused, in the order it happened."""
        caused = (transaction for trace in self.traces for transaction in trace.transactions)
        return tuple(sorted(caused, key=lambda transaction: transaction.lt))


def comment(text: str) -> Cell:
    """A text comment: op 0, then the bytes, 127 per cell at most."""
    data = bytes(4) + text.encode()
    chunks = [data[at : at + 127] for at in range(0, len(data), 127)]
    cell: Cell | None = None
    for chunk in reversed(chunks):
        builder = Builder().raw(chunk)
        cell = (builder.ref(cell) if cell else builder).end()
    return cell or Builder().end()
