"""The whole against a model: any order of what merchants, payers, scans and people do, on the real database.

What happens at once must come out as if it had happened in some order. HYPOTHESIS_PROFILE=thorough looks much longer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from harvester.chain import Batch
from harvester.domain.errors import ActRefused, CursorConflict, TransitionRefused
from harvester.domain.payment import Transfer
from harvester.services.payments import By
from harvester.storage.database import Database
from tests.clock import ManualClock
from tests.memory_chain import COIN, TOKEN, MemoryChain
from tests.services.conftest import Shop

TOLERANCE_PPM = 100_000
ME = By("test:hypothesis", "because")
TICKERS = {COIN: "MEM", TOKEN: "TOK"}
assets = st.sampled_from([COIN, TOKEN])


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
    """What must come out, said as simply as can be. What is refused returns False."""

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

    def mark(self, tx_hash: str, standing: str) -> bool:
        money = self.money[tx_hash]
        allowed = {"refunded": {"recorded", "assigned", "ignored", "refunded"}, "ignored": {"recorded", "ignored"}}
        if money.standing not in allowed[standing]:
            return False
        money.standing = standing
        return True

    def state(self) -> tuple[dict[UUID, tuple[str, int]], dict[str, tuple[str, UUID | None]]]:
        """Return what can be compared with the database."""
        return (
            {number: (bill.status, bill.received) for number, bill in self.bills.items()},
            {tx_hash: (money.standing, money.counts_for) for tx_hash, money in self.money.items()},
        )


@dataclass(frozen=True)
class Step:
    """Something that is done, and what the model says of it."""

    real: Callable[[], Awaitable[object]]
    modelled: Callable[[Model], bool]


class Whole(RuleBasedStateMachine):
    """What can happen. Each run of it is on a chain of its own; all are on one database."""

    database: Database
    runner: asyncio.Runner
    invoices: Bundle[UUID] = Bundle("invoices")
    transfers: Bundle[Transfer] = Bundle("transfers")

    @initialize()
    def open(self) -> None:
        self.clock = ManualClock()
        self.histories: dict[str, list[Transfer]] = {COIN: [], TOKEN: []}
        self.name = f"memory-{uuid4()}"
        self.model = Model()
        self.restart()

    @rule()
    def restart(self) -> None:
        """Only the database and the chain live on."""
        self.shop, self.other = self.process(), self.process()

    def process(self) -> Shop:
        chain = MemoryChain(self.clock, self.name, self.histories)
        return Shop(self.database, self.clock, TOLERANCE_PPM, chain)

    @rule(target=invoices, asset=assets, amount=st.integers(1, 40), life_secs=st.integers(1, 8))
    def create(self, asset: str, amount: int, life_secs: int) -> UUID:
        invoice = self.runner.run(self.shop.invoice(amount, life_secs, TICKERS[asset]))
        self.model.bills[invoice.id] = Bill(amount, asset, self.clock() + timedelta(seconds=life_secs))
        return invoice.id

    @rule(target=transfers, number=st.one_of(invoices, st.none(), st.uuids()), asset=assets, amount=st.integers(1, 40))
    def pay(self, number: UUID | None, asset: str, amount: int) -> Transfer:
        return self.shop.chain.pay(amount, number, asset)

    @rule(target=transfers, number=invoices, share=st.sampled_from([1, 2, 10, 11]))
    def pay_as_asked(self, number: UUID, share: int) -> Transfer:
        bill = self.model.bills[number]
        return self.shop.chain.pay(max(1, bill.amount - bill.amount // share * (share > 1)), number, bill.asset)

    @rule(secs=st.integers(1, 5))
    def wait(self, secs: int) -> None:
        self.clock.advance(secs)

    @rule(asset=assets, batch_size=st.integers(1, 3))
    def scan(self, asset: str, batch_size: int) -> None:
        self.do(self.scanning(self.shop, asset, batch_size))

    @rule(asset=assets, count=st.integers(1, 5), twice=st.booleans())
    def hand_over_again(self, asset: str, count: int, twice: bool) -> None:
        """What is known already changes nothing."""
        known = [each for each in self.histories[asset] if each.tx_hash in self.model.money][-count:]
        self.runner.run(self.repeat(asset, tuple(known * (1 + twice))))

    async def repeat(self, asset: str, known: tuple[Transfer, ...]) -> None:
        account = self.shop.chain.account(asset)
        cursor = (await self.shop.ledger.position(account)).cursor
        if cursor is not None:
            await self.shop.ledger.record(Batch(account, known, cursor, cursor, None))

    @rule(number=invoices)
    def cancel(self, number: UUID) -> None:
        self.do(self.cancelling(number))

    @rule(transfer=transfers, number=invoices)
    def assign(self, transfer: Transfer, number: UUID) -> None:
        if transfer.tx_hash in self.model.money:
            self.do(self.assigning(transfer, number))

    @rule(transfer=transfers)
    def unassign(self, transfer: Transfer) -> None:
        if transfer.tx_hash in self.model.money:
            self.do(self.acting(transfer, "unassign", lambda model: model.unassign(transfer.tx_hash)))

    @rule(transfer=transfers, standing=st.sampled_from(["refunded", "ignored"]))
    def mark(self, transfer: Transfer, standing: str) -> None:
        if transfer.tx_hash in self.model.money:
            act = {"refunded": "refund", "ignored": "ignore"}[standing]
            self.do(self.acting(transfer, act, lambda model: model.mark(transfer.tx_hash, standing)))

    @rule(asset=assets, number=invoices, other=invoices, transfer=transfers, data=st.data())
    def race(self, asset: str, number: UUID, other: UUID, transfer: Transfer, data: st.DataObject) -> None:
        """Several things at once come out as if done in some order, which a last scan makes final."""
        steps = [self.scanning(self.shop, asset), self.scanning(self.other, asset), self.cancelling(number)]
        if transfer.tx_hash in self.model.money:
            steps += [
                self.assigning(transfer, number),
                self.assigning(transfer, other),
                self.acting(transfer, "unassign", lambda model: model.unassign(transfer.tx_hash)),
                self.acting(transfer, "refund", lambda model: model.mark(transfer.tx_hash, "refunded")),
            ]
        chosen = data.draw(st.lists(st.sampled_from(steps), min_size=2, max_size=3, unique_by=id))
        done = self.runner.run(self.at_once(chosen))
        last = self.scanning(self.shop, asset)
        self.runner.run(attempt(last))
        found = self.runner.run(self.found())
        for order in permutations(range(len(chosen))):
            model = deepcopy(self.model)
            outcomes = {place: chosen[place].modelled(model) for place in order}
            last.modelled(model)
            if [outcomes[place] for place in range(len(chosen))] == done and model.state() == found:
                self.model = model
                return
        raise AssertionError(f"no order of what was done at once leads to {done} and {found}")

    async def at_once(self, steps: list[Step]) -> list[bool]:
        return await asyncio.gather(*map(attempt, steps))

    def do(self, step: Step) -> None:
        assert self.runner.run(attempt(step)) == step.modelled(self.model)

    def scanning(self, shop: Shop, asset: str, batch_size: int = 2) -> Step:
        async def scan() -> None:
            with suppress(CursorConflict):
                await shop.chain.scan(shop.ledger, asset, batch_size)

        return Step(scan, lambda model: model.scan(self.histories[asset], asset, self.clock()))

    def cancelling(self, number: UUID) -> Step:
        return Step(
            lambda: self.shop.invoicing.cancel(number, "test"), lambda model: model.cancel(number, self.clock())
        )

    def assigning(self, transfer: Transfer, number: UUID) -> Step:
        async def assign() -> None:
            await self.other.payments.assign(await self.payment_id(transfer), number, ME)

        return Step(assign, lambda model: model.assign(transfer.tx_hash, number))

    def acting(self, transfer: Transfer, act: str, modelled: Callable[[Model], bool]) -> Step:
        async def do() -> None:
            await getattr(self.shop.payments, act)(await self.payment_id(transfer), ME)

        return Step(do, modelled)

    async def payment_id(self, transfer: Transfer) -> int:
        (row,) = await self.shop.rows(
            "SELECT id FROM payments WHERE chain = $1 AND tx_hash = $2", self.name, transfer.tx_hash
        )
        return int(row["id"])

    async def found(self) -> object:
        """Return what the database says, as the model says it."""
        invoices = await self.shop.rows("SELECT id, status, received FROM invoices WHERE chain = $1", self.name)
        payments = await self.shop.rows(
            "SELECT tx_hash, standing, counts_for FROM payment_standings WHERE chain = $1", self.name
        )
        assert len({row["tx_hash"] for row in payments}) == len(payments)
        return (
            {row["id"]: (row["status"], row["received"]) for row in invoices},
            {row["tx_hash"]: (row["standing"], row["counts_for"]) for row in payments},
        )

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        assert self.runner.run(self.found()) == self.model.state()

    @invariant()
    def money_and_events_add_up(self) -> None:
        assert self.runner.run(self.shop.rows(UNSOUND, self.name)) == []


async def attempt(step: Step) -> bool:
    """Do it; say whether it was allowed."""
    try:
        await step.real()
    except (ActRefused, TransitionRefused):
        return False
    return True


UNSOUND = """
SELECT 'received is not the sum of what counts' AS what, id::text FROM invoices
WHERE chain = $1 AND received <> (SELECT coalesce(sum(amount), 0) FROM payment_standings WHERE counts_for = invoices.id)
UNION ALL
SELECT 'the events do not tell its story', id::text FROM invoices
WHERE chain = $1 AND ARRAY(
    SELECT sequence || type FROM events WHERE invoice_id = invoices.id AND sequence IS NOT NULL ORDER BY number
) IS DISTINCT FROM CASE WHEN status = 'waiting' THEN ARRAY['1invoice.created']
    ELSE ARRAY['1invoice.created', '2invoice.' || status] END
UNION ALL
SELECT 'the payment is not told of once', tx_hash FROM payments
WHERE chain = $1 AND 1 <> (
    SELECT count(*) FROM events WHERE type = 'payment.received' AND cause = 'chain:' || tx_hash
)
UNION ALL
SELECT 'the acts are not told of once', payments.id::text
FROM payments JOIN payment_acts ON payment_id = payments.id
WHERE chain = $1
GROUP BY payments.id
HAVING count(*) <> (
    SELECT count(*) FROM events
    WHERE cause = 'test:hypothesis' AND type LIKE 'payment.%' AND body -> 'payment' ->> 'tx_hash' = payments.tx_hash
)
"""


def test_whatever_happens_in_whatever_order_comes_out_as_the_model_says(database_uri: str) -> None:
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
        max_examples=max(1, settings().max_examples * 2 // 5),
        stateful_step_count=30,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
