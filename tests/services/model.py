"""What the core must make of payments and of what people do, said as simply as can be."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from harvester.domain.payment import Transfer


@dataclass
class Bill:
    """An invoice of the model."""

    amount: int
    asset: str
    ends: datetime
    status: str = "waiting"
    received: int = 0


@dataclass
class Money:
    """A payment of the model."""

    transfer: Transfer
    counts_for: UUID | None = None
    settling: bool = False
    standing: str = "recorded"
    undone: bool = False


@dataclass
class Model:
    """All invoices and payments. What is refused returns False."""

    bills: dict[UUID, Bill] = field(default_factory=dict)
    money: dict[str, Money] = field(default_factory=dict)

    def scan(self, history: list[Transfer], asset: str, now: datetime) -> bool:
        for transfer in history:
            if transfer.tx_hash not in self.money:
                self.money[transfer.tx_hash] = money = Money(transfer)
                bill = self.bills.get(transfer.invoice_id) if transfer.invoice_id else None
                if bill and transfer.invoice_id and bill.asset == asset:
                    if bill.status == "waiting" and transfer.time > bill.ends:
                        bill.status = "expired"
                    self._count(money, transfer.invoice_id)
        for bill in self.bills.values():
            if bill.asset == asset and bill.status == "waiting" and bill.ends < now:
                bill.status = "expired"
        return True

    def _count(self, money: Money, number: UUID) -> None:
        bill = self.bills[number]
        money.counts_for, money.settling = number, bill.status == "waiting" and money.transfer.time <= bill.ends
        bill.received += money.transfer.amount
        if money.settling and bill.received >= bill.amount - bill.amount // 10:
            bill.status = "paid"

    def cancel(self, number: UUID, now: datetime) -> bool:
        bill = self.bills[number]
        if bill.status != "waiting" or now > bill.ends:
            return False
        bill.status = "cancelled"
        return True

    def assign(self, tx_hash: str, number: UUID) -> bool:
        money, bill = self.money[tx_hash], self.bills[number]
        if money.standing == "assigned" and money.counts_for == number:
            return True
        if money.counts_for or money.standing == "refunded" or money.transfer.asset != bill.asset:
            return False
        money.standing = "assigned"
        self._count(money, number)
        return True

    def unassign(self, tx_hash: str) -> bool:
        money = self.money[tx_hash]
        if money.standing != "assigned" or money.counts_for is None:
            return money.standing == "recorded" and money.undone
        bill = self.bills[money.counts_for]
        if bill.status == "paid" and money.settling:
            return False
        bill.received -= money.transfer.amount
        money.counts_for, money.standing, money.undone = None, "recorded", True
        return True

    def refund(self, tx_hash: str) -> bool:
        money = self.money[tx_hash]
        if money.counts_for and self.bills[money.counts_for].status == "waiting":
            return money.standing == "refunded"
        money.standing = "refunded"
        return True

    def ignore(self, tx_hash: str) -> bool:
        if self.money[tx_hash].standing not in {"recorded", "ignored"}:
            return False
        self.money[tx_hash].standing = "ignored"
        return True

    def assignable(self, number: UUID) -> list[str]:
        """Return what can be assigned to the invoice."""
        return [
            tx_hash
            for tx_hash, money in self.money.items()
            if not money.counts_for
            and money.standing != "refunded"
            and money.transfer.asset == self.bills[number].asset
        ]

    def assigned(self) -> list[str]:
        """Return what is assigned."""
        return [tx_hash for tx_hash, money in self.money.items() if money.standing == "assigned"]

    def state(self) -> tuple[dict[UUID, tuple[str, int]], dict[str, tuple[str, UUID | None]]]:
        """Return what can be compared with the database."""
        return (
            {number: (bill.status, bill.received) for number, bill in self.bills.items()},
            {tx_hash: (money.standing, money.counts_for) for tx_hash, money in self.money.items()},
        )
