"""Orders, claims and credit against a model: whatever happens in whatever order, or at once, on the real database.

What happens at once must come out as if it had happened in some order. No money is made or lost on the way.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from harvester.chain import Batch
from harvester.storage.database import Database
from tests.clock import ManualClock
from tests.memory_chain import COIN, MERCHANT, MemoryChain
from tests.services.conftest import Shop
from tests.services.counter import Counter
from tests.services.credit_model import Model
from tests.services.whole import ME, Step, at_once, in_some_order, run_on_database

CUSTOMERS = ("alice", "bob")
ADDRESSES = ("a1", "a2", "b1")
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
        assert self.runner.run(step.attempt()) == step.modelled(self.model)

    @rule(several=st.lists(actions, min_size=2, max_size=3))
    def several_at_once(self, several: list[tuple[object, ...]]) -> None:
        self.clock.advance(1)
        steps = [self.step(*action) for action in several]
        done = self.runner.run(at_once(steps))
        self.model = in_some_order(self.model, steps, done, self.runner.run(self.found()))

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

    def step(self, kind: object, *given: object) -> Step[Model]:
        return getattr(self, f"_{kind}")(*given)  # type: ignore[no-any-return]  # each of them returns a step

    def order_id(self, name: str) -> str:
        return f"{self.run_id}-{name}"

    def _place(self, name: str, customer: str, price: int, signer: str | None) -> Step[Model]:
        now, self.steps = self.clock(), self.steps + 1
        # The storefront's moment is the order's place in the queue: of equal ones a random id would decide.
        created = now - timedelta(seconds=1) + timedelta(milliseconds=self.steps % 1000)
        mine = f"{self.run_id}-{customer}"
        return Step(
            lambda: self.counter.place(self.order_id(name), mine, price, claimed_by=signer, created_at=created),
            lambda model: model.place(name, customer, price, signer, now, created),
        )

    def _claim(self, name: str, address: str) -> Step[Model]:
        now = self.clock()
        return Step(
            lambda: self.counter.claim(self.order_id(name), address), lambda model: model.claim(name, address, now)
        )

    def _pay(self, payer: str, amount: int, names_order: str | None, signs: bool) -> Step[Model]:
        number, now, self.steps = f"{self.run_id}{self.steps:04}", self.clock(), self.steps + 1
        order = self.order_id(names_order) if names_order else None
        return Step(
            lambda: self.counter.pay(payer, amount, order, number, wallet=number, signs=signs),
            lambda model: model.pay(number, payer, amount, names_order, now, signs=signs),
        )

    def _confirm(self, back: int) -> Step[Model]:
        numbers = list(self.model.money)
        number = numbers[-1 - back % len(numbers)] if numbers else "unknown"
        now, self.steps = self.clock(), self.steps + 1
        wallet = f"{self.run_id}{self.steps:04}c"
        return Step(lambda: self.counter.confirm_number(number, wallet), lambda model: model.confirm(number, now))

    def _link(self, customer: str, address: str) -> Step[Model]:
        now, mine = self.clock(), f"{self.run_id}-{customer}"
        return Step(
            lambda: self.counter.accounts.link(mine, address, "MEM", ME),
            lambda model: model.link(customer, address, now),
        )

    def _issue(self, customer: str, amount: int) -> Step[Model]:
        now, mine = self.clock(), f"{self.run_id}-{customer}"
        return Step(
            lambda: self.counter.accounts.issue(mine, amount, "MEM", ME),
            lambda model: model.issue(customer, amount, now),
        )

    def _fulfil(self, name: str) -> Step[Model]:
        return Step(
            lambda: self.counter.accounts.fulfil(self.order_id(name), ME),
            lambda model: model.fulfil(name),
        )

    def _reassign(self, name: str, customer: str) -> Step[Model]:
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
    run_on_database(Whole, database_uri, max(1, settings().max_examples // 3), steps=30)
