"""Orders, claims and credit as they should be, in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.services.counter import LIVES

OPEN = ("waiting", "unclaimed")


@dataclass
class Order:
    """An order of the model."""

    customer: str
    price: int
    ends: datetime
    created: datetime
    status: str = "unclaimed"


@dataclass
class Money:
    """A payment of the model."""

    payer: str
    amount: int
    names: str | None
    signs: bool = False
    confirmed: bool = False


@dataclass
class Model:
    """All there is. What is refused returns False."""

    orders: dict[str, Order] = field(default_factory=dict)
    links: dict[tuple[str, str], datetime] = field(default_factory=dict)
    money: dict[str, Money] = field(default_factory=dict)
    credit: dict[str, int] = field(default_factory=dict)
    granted: set[str] = field(default_factory=set)

    def place(self, name: str, customer: str, price: int, signer: str | None, now: datetime, created: datetime) -> bool:
        if name in self.orders:
            return (self.orders[name].customer, self.orders[name].price) == (customer, price)
        order = self.orders[name] = Order(customer, price, now + LIVES.unclaimed, created)
        naming = [each for each in reversed(self.money.values()) if each.names == name]
        named = list(dict.fromkeys(each.payer for each in naming))
        signers = {signer, *(each.payer for each in naming if each.signs)} - {None}
        ours = sorted((address for address, owner in self.links if owner == customer), key=self._newest(customer))
        candidates = list(dict.fromkeys([*([signer] if signer else []), *named, *ours, customer]))
        paid_before = {each.payer for each in self.money.values() if each.confirmed}
        if signers or named or paid_before & set(ours) or customer in self.granted:
            self._tie(order, None, now)
        for address in signers:
            self._tie(order, address, now)
        if order.status == "waiting":
            for address in candidates:
                self._pay_in_order(address, [order], now)
        return True

    def _newest(self, customer: str) -> Callable[[str], tuple[float, str]]:
        return lambda address: (-self.links[address, customer].timestamp(), address)

    def _tie(self, order: Order, address: str | None, now: datetime) -> None:
        if address:
            self.links.setdefault((address, order.customer), now)
        if order.status == "unclaimed":
            order.status, order.ends = "waiting", now + LIVES.unpaid

    def _pay_in_order(self, address: str, orders: Sequence[Order], now: datetime) -> None:
        payable = [order for order in orders if order.status in OPEN and now <= order.ends]
        for order in sorted(payable, key=lambda order: (order.status != "waiting", order.created)):
            if order.price > self.credit.get(address, 0):
                return
            self.credit[address] = self.credit.get(address, 0) - order.price
            order.status = "paid"

    def _pay_one(self, order: Order, now: datetime) -> None:
        givers = [address for address, owner in self.links if owner == order.customer]
        balances = {giver: self.credit.get(giver, 0) for giver in [*sorted(givers), order.customer]}
        able = sorted((giver for giver in balances if balances[giver] >= 0), key=lambda giver: -balances[giver])
        if order.status not in OPEN or now > order.ends or not able:
            return
        if sum(balances.values()) >= order.price:
            due, order.status = order.price, "paid"
            for giver in able:
                part = min(due, balances[giver])
                self.credit[giver], due = balances[giver] - part, due - part

    def claim(self, name: str, address: str, now: datetime) -> bool:
        order = self.orders.get(name)
        if order and order.status == "waiting" and (address, order.customer) in self.links:
            return True
        if order is None or order.status != "unclaimed" or now > order.ends:
            return False
        self._tie(order, address, now)
        self._pay_in_order(address, [order], now)
        return True

    def pay(self, number: str, payer: str, amount: int, names: str | None, now: datetime, *, signs: bool) -> bool:
        self.money[number] = Money(payer, amount, names, signs)
        order = self.orders.get(names or "")
        if order and order.status in OPEN and now <= order.ends:
            self._tie(order, payer if signs else None, now)
        return True

    def confirm(self, number: str, now: datetime) -> bool:
        money = self.money.get(number)
        if money is None:
            return False
        if not money.confirmed:
            money.confirmed = True
            self.credit[money.payer] = self.credit.get(money.payer, 0) + money.amount
            self._pay_owed(money.payer, now, money.names)
        return True

    def link(self, customer: str, address: str, now: datetime) -> bool:
        self.links.setdefault((address, customer), now)
        self._pay_owed(address, now)
        return True

    def _pay_owed(self, payer: str, now: datetime, names: str | None = None) -> None:
        owners = {owner for address, owner in self.links if address == payer}
        payable = [each for name, each in self.orders.items() if each.customer in owners or name == names]
        self._pay_in_order(payer, payable, now)

    def issue(self, customer: str, amount: int, now: datetime) -> bool:
        self.credit[customer] = self.credit.get(customer, 0) + amount
        if amount > 0:
            self.granted.add(customer)
        owed = [order for order in self.orders.values() if order.customer == customer]
        for order in sorted(owed, key=lambda order: (order.status != "waiting", order.created)):
            self._pay_one(order, now)
        return True

    def fulfil(self, name: str) -> bool:
        order = self.orders.get(name)
        if order is None or order.status not in OPEN:
            return False
        order.status = "paid"
        return True

    def reassign(self, name: str, customer: str, now: datetime) -> bool:
        order = self.orders.get(name)
        if order is None or order.status == "paid" or order.customer == customer:
            return False
        order.customer = customer
        if order.status == "waiting":
            self._pay_one(order, now)
        return True

    def expire(self, now: datetime) -> None:
        for order in self.orders.values():
            if order.status in OPEN and order.ends < now:
                order.status = "expired"

    def state(self) -> tuple[dict[str, tuple[str, str]], dict[str, int]]:
        return (
            {name: (order.status, order.customer) for name, order in self.orders.items()},
            {owner: amount for owner, amount in self.credit.items() if amount},
        )
