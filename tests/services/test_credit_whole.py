"""Orders, claims and credit against a model: whatever happens in whatever order, or at once, on the real database.

What happens at once must come out as if it had happened in some order. No money is made or lost on the way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from harvester.chain import Batch
from harvester.domain.errors import ActRefused, NotFound
from harvester.storage.database import Database
from tests.clock import ManualClock
from tests.memory_chain import COIN, MERCHANT, MemoryChain
from tests.services.conftest import Shop
from tests.services.counter import LIVES, Counter
from tests.services.test_whole import ME

CUSTOMERS = ("alice", "bob")
ADDRESSES = ("a1", "a2", "b1")
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
        if sum(balances[giver] for giver in able) >= order.price:
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


@dataclass(frozen=True)
class Step:
    """Something that is done, and what the model says of it."""

    real: Callable[[], Awaitable[object]]
    modelled: Callable[[Model], bool]


names = st.sampled_from(["1", "2", "3", "4"])
addresses = st.sampled_from(ADDRESSES)
customers = st.sampled_from(CUSTOMERS)
amounts = st.integers(1, 12)
actions = st.one_of(
    st.tuples(st.just("place"), names, customers, st.integers(0, 12), st.none() | addresses),
    st.tuples(st.just("claim"), names, addresses),
    st.tuples(st.just("pay"), addresses, amounts, st.none() | names, st.booleans()),
    st.tuples(st.just("confirm"), st.integers(0, 3)),
    st.tuples(st.just("confirm"), st.integers(0, 3)),
    st.tuples(st.just("link"), customers, addresses),
    st.tuples(st.just("issue"), customers, st.integers(-5, 12).filter(bool)),
    st.tuples(st.just("fulfil"), names),
    st.tuples(st.just("reassign"), names, customers),
)


class Whole(RuleBasedStateMachine):
    """What can happen at the desk. Each run of it is on a chain of its own; all are on one database."""

    database: Database
    runner: asyncio.Runner

    @initialize()
    def open(self) -> None:
        self.clock = ManualClock()
        self.name = f"memory-{uuid4()}"
        self.run_id = uuid4().hex[:8]
        shop = Shop(self.database, self.clock, 0, MemoryChain(self.clock, self.name))
        self.counter = Counter(shop)
        self.runner.run(self.counter.open())
        self.model = Model()
        self.steps = 0

    @rule(action=actions)
    def one_thing(self, action: tuple[object, ...]) -> None:
        self.clock.advance(1)
        step = self.step(*action)
        assert self.runner.run(attempt(step)) == step.modelled(self.model)

    @rule(several=st.lists(actions, min_size=2, max_size=3))
    def several_at_once(self, several: list[tuple[object, ...]]) -> None:
        self.clock.advance(1)
        steps = [self.step(*action) for action in several]
        done = self.runner.run(at_once(steps))
        found = self.runner.run(self.found())
        for order in permutations(range(len(steps))):
            model = deepcopy(self.model)
            outcomes = {place: steps[place].modelled(model) for place in order}
            if [outcomes[place] for place in range(len(steps))] == done and model.state() == found:
                self.model = model
                return
        raise AssertionError(f"no order of {several} leads from {self.model} to {done} and {found}")

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        self.clock.advance(hours * 3600)
        self.model.expire(self.clock())
        self.runner.run(self.scan())

    async def scan(self) -> None:
        ledger = self.counter.shop.ledger
        account = self.counter.shop.chain.account(COIN)
        account = type(account)(self.name, MERCHANT, MERCHANT, COIN)
        cursor = (await ledger.position(account)).cursor
        await ledger.record(Batch(account, (), cursor, "0", self.clock()))

    def step(self, kind: object, *given: object) -> Step:
        return getattr(self, f"_{kind}")(*given)  # type: ignore[no-any-return]  # each of them returns a step

    def order_id(self, name: str) -> str:
        return f"{self.run_id}-{name}"

    def _place(self, name: str, customer: str, price: int, signer: str | None) -> Step:
        now, self.steps = self.clock(), self.steps + 1
        # The storefront's moment is the order's place in the queue: of equal ones a random id would decide.
        created = now - timedelta(seconds=1) + timedelta(milliseconds=self.steps % 1000)
        mine = f"{self.run_id}-{customer}"
        return Step(
            lambda: self.counter.place(self.order_id(name), mine, price, claimed_by=signer, created_at=created),
            lambda model: model.place(name, customer, price, signer, now, created),
        )

    def _claim(self, name: str, address: str) -> Step:
        now = self.clock()
        return Step(
            lambda: self.counter.claim(self.order_id(name), address), lambda model: model.claim(name, address, now)
        )

    def _pay(self, payer: str, amount: int, names_order: str | None, signs: bool) -> Step:
        number, now, self.steps = f"{self.run_id}{self.steps:04}", self.clock(), self.steps + 1
        order = self.order_id(names_order) if names_order else None
        return Step(
            lambda: self.counter.pay(payer, amount, order, number, wallet=number, signs=signs),
            lambda model: model.pay(number, payer, amount, names_order, now, signs=signs),
        )

    def _confirm(self, back: int) -> Step:
        numbers = list(self.model.money)
        number = numbers[-1 - back % len(numbers)] if numbers else "unknown"
        now, self.steps = self.clock(), self.steps + 1
        wallet = f"{self.run_id}{self.steps:04}c"
        return Step(lambda: self.counter.confirm_number(number, wallet), lambda model: model.confirm(number, now))

    def _link(self, customer: str, address: str) -> Step:
        now, mine = self.clock(), f"{self.run_id}-{customer}"
        return Step(
            lambda: self.counter.accounts.link(mine, address, "MEM", ME),
            lambda model: model.link(customer, address, now),
        )

    def _issue(self, customer: str, amount: int) -> Step:
        now, mine = self.clock(), f"{self.run_id}-{customer}"
        return Step(
            lambda: self.counter.accounts.issue(mine, amount, "MEM", ME),
            lambda model: model.issue(customer, amount, now),
        )

    def _fulfil(self, name: str) -> Step:
        return Step(
            lambda: self.counter.accounts.fulfil(self.order_id(name), ME),
            lambda model: model.fulfil(name),
        )

    def _reassign(self, name: str, customer: str) -> Step:
        now, mine = self.clock(), f"{self.run_id}-{customer}"
        return Step(
            lambda: self.counter.accounts.reassign(self.order_id(name), mine, ME),
            lambda model: model.reassign(name, customer, now),
        )

    async def found(self) -> tuple[Mapping[str, tuple[str, str]], Mapping[str, int]]:
        """Return what the database says, as the model says it."""
        rows = await self.counter.shop.rows(
            "SELECT order_id, status, customer_id FROM invoices WHERE chain = $1", self.name
        )
        balances = await self.counter.shop.rows(BALANCES, self.name)
        cut = len(self.run_id) + 1
        return (
            {row["order_id"][cut:]: (row["status"], row["customer_id"][cut:]) for row in rows},
            {
                row["owner"].removeprefix(f"{self.run_id}-"): int(row["balance"])
                for row in balances
                if row["owner"] and row["balance"]
            },
        )

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        assert self.runner.run(self.found()) == self.model.state()

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        assert self.runner.run(self.counter.shop.rows(UNSOUND, self.name)) == []


async def attempt(step: Step) -> bool:
    """Do it; say whether it was allowed."""
    try:
        await step.real()
    except (ActRefused, NotFound):
        return False
    return True


async def at_once(steps: list[Step]) -> list[bool]:
    return await asyncio.gather(*map(attempt, steps))


BALANCES = """
SELECT owner, kind,
    coalesce((SELECT sum(amount) FROM credit_entries WHERE to_account = a.id), 0)
    - coalesce((SELECT sum(amount) FROM credit_entries WHERE from_account = a.id), 0) AS balance
FROM credit_accounts AS a WHERE chain = $1
"""
UNSOUND = f"""
WITH balances AS MATERIALIZED ({BALANCES}),
mine AS MATERIALIZED (SELECT * FROM invoices WHERE chain = $1)
SELECT 'the accounts do not add up to nothing' AS what, '' AS which FROM balances HAVING sum(balance) <> 0
UNION ALL
SELECT 'an address is in debt', owner FROM balances WHERE kind = 'address' AND balance < 0
UNION ALL
SELECT 'what was settled is not what orders cost', '' FROM balances WHERE kind = 'settled' HAVING sum(balance) <> (
    SELECT coalesce(sum(amount), 0) FROM mine WHERE status = 'paid'
)
UNION ALL
SELECT 'an order is not paid once', order_id FROM mine WHERE CASE WHEN status = 'paid' THEN amount ELSE 0 END <> (
    SELECT coalesce(sum(amount), 0) FROM credit_entries WHERE invoice_id = mine.id
)
UNION ALL
SELECT 'confirmed money is not credited once', tx_hash FROM payment_standings AS money
WHERE chain = $1 AND (CASE WHEN confirmed THEN amount ELSE 0 END) <> (
    SELECT coalesce(sum(amount), 0) FROM credit_entries WHERE payment_id = money.id AND kind = 'payment'
)
UNION ALL
SELECT 'the events do not tell its story', order_id FROM mine
WHERE sequence <> (SELECT count(*) FROM events WHERE invoice_id = mine.id AND sequence IS NOT NULL)
    OR (status = 'paid') <> (SELECT count(*) = 1 FROM events WHERE invoice_id = mine.id AND type = 'invoice.paid')
"""  # noqa: S608  both are constants


def test_whatever_happens_at_the_desk_comes_out_as_the_model_says(database_uri: str) -> None:
    with asyncio.Runner() as runner:
        context = Database.open(database_uri)
        database = runner.run(context.__aenter__())
        try:
            machine = type("WholeOnDatabase", (Whole,), {"database": database, "runner": runner})
            run_state_machine_as_test(machine, settings=_settings())
        finally:
            runner.run(context.__aexit__(None, None, None))


def _settings() -> settings:
    return settings(
        max_examples=max(1, settings().max_examples // 3),
        stateful_step_count=30,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
