"""The whole against a model: any order of what merchants, payers, scans and people do, on the real database.

What happens at once must come out as if it had happened in some order. HYPOTHESIS_PROFILE=thorough looks much longer.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from harvester.chain import Batch
from harvester.domain.errors import CursorConflict
from harvester.domain.payment import Transfer
from harvester.storage.database import Database
from tests.clock import ManualClock
from tests.memory_chain import COIN, TOKEN, MemoryChain
from tests.services.conftest import Shop
from tests.services.model import Bill, Model
from tests.services.whole import ME, Step, at_once, in_some_order, run_on_database

TOLERANCE_PPM = 100_000
TICKERS = {COIN: "MEM", TOKEN: "TOK"}
KINDS = [*["scan"] * 4, *["assign"] * 4, *["unassign"] * 2, "refund", "ignore", "cancel"]
assets = st.sampled_from([COIN, TOKEN])


class Luck(NamedTuple):
    """What is chosen among candidates that only the run knows: they may depend on who wins a race, what is drawn may
    not.
    """

    rare: int
    """0 … 4; 0: whatever it is, 1: another asset."""
    side: int
    place: int


dice = st.builds(Luck, st.integers(0, 4), st.integers(0, 1), st.integers(0, 11))


class Whole(RuleBasedStateMachine):
    """What can happen. Each run of it is on a chain of its own; all are on one database."""

    database: Database
    runner: asyncio.Runner

    @initialize()
    def open(self) -> None:
        self.clock = ManualClock()
        self.histories: dict[str, list[Transfer]] = {COIN: [], TOKEN: []}
        self.name = f"memory-{uuid4()}"
        self.model = Model()
        self.restart()
        (row,) = self.runner.run(self.shop.rows("SELECT coalesce(max(number), 0) AS last FROM events"))
        self.event_number = row["last"]
        self.create(COIN, 10, 5)

    def restart(self) -> None:
        """Only the database and the chain live on."""
        self.shop, self.other = self.process(), self.process()

    def process(self) -> Shop:
        chain = MemoryChain(self.clock, self.name, self.histories)
        return Shop(self.database, self.clock, TOLERANCE_PPM, chain)

    @rule(asset=assets, amount=st.integers(1, 40), life_secs=st.integers(1, 20))
    def create(self, asset: str, amount: int, life_secs: int) -> None:
        invoice = self.runner.run(self.shop.invoice(amount, life_secs, TICKERS[asset]))
        self.model.bills[invoice.id] = Bill(amount, asset, self.clock() + timedelta(seconds=life_secs))

    @rule(luck=dice, percent=st.sampled_from([10, 50, 90, 100, 110]))
    def pay(self, luck: Luck, percent: int) -> None:
        number = self.bill(luck)
        bill = self.model.bills[number]
        other = TOKEN if bill.asset == COIN else COIN
        self.shop.chain.pay(max(1, bill.amount * percent // 100), number, bill.asset if luck.rare != 1 else other)
        if luck.side:
            self.do(self.scanning(self.shop, bill.asset))

    @rule(luck=dice, percent=st.sampled_from([30, 50, 100]), unknown=st.one_of(st.none(), st.uuids()))
    def pay_without_its_reference(self, luck: Luck, percent: int, unknown: UUID | None) -> None:
        bill = self.model.bills[self.bill(luck)]
        self.shop.chain.pay(max(1, bill.amount * percent // 100), unknown, bill.asset)
        self.do(self.scanning(self.shop, bill.asset))

    @rule(secs=st.integers(0, 5))
    def wait(self, secs: int) -> None:
        self.clock.advance(secs)
        if not secs:
            self.restart()

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

    @rule(kind=st.sampled_from(KINDS), luck=dice)
    def one_thing(self, kind: str, luck: Luck) -> None:
        self.do(self.step(kind, luck))

    @rule(kinds=st.lists(st.tuples(st.sampled_from(KINDS), dice), min_size=2, max_size=3), luck=dice)
    def several_at_once(self, kinds: list[tuple[str, Luck]], luck: Luck) -> None:
        """It comes out as if done in some order, which a last scan of both assets makes final. All want one payment."""
        tx_hash = self.payment(luck, self.bill(luck), "assign")
        steps = [self.step(kind, own_luck, tx_hash) for kind, own_luck in kinds]
        done = self.runner.run(at_once(steps))
        last = [self.scanning(self.shop, asset) for asset in (COIN, TOKEN)]
        for step in last:
            self.runner.run(step.attempt())
        self.model = in_some_order(self.model, steps, done, self.runner.run(self.found()), last)

    def do(self, step: Step[Model]) -> None:
        assert self.runner.run(step.attempt()) == step.modelled(self.model)

    def bill(self, luck: Luck) -> UUID:
        """Return one of the last invoices, mostly one that is open."""
        waiting = [number for number, bill in self.model.bills.items() if bill.status == "waiting"]
        candidates = waiting if waiting and luck.rare else list(self.model.bills)
        return candidates[-1 - luck.side % min(2, len(candidates))]

    def payment(self, luck: Luck, number: UUID, kind: str) -> str | None:
        """Return a payment, mostly one that the model allows this to be done with; None: there is none."""
        likely = self.model.assignable(number) if kind == "assign" else self.model.assigned()
        candidates = likely if likely and luck.rare else list(self.model.money)
        return candidates[luck.place % len(candidates)] if candidates else None

    def step(self, kind: str, luck: Luck, tx_hash: str | None = None) -> Step[Model]:
        """Return something to do: with this payment, or with one that fits."""
        number = self.bill(luck)
        if kind == "cancel":
            return self.cancelling(number)
        tx_hash = tx_hash or self.payment(luck, number, kind)
        if kind == "scan" or tx_hash is None:
            shop = self.shop if luck.place % 2 else self.other
            return self.scanning(shop, self.model.bills[number].asset, 1 + luck.place % 3)
        return self.assigning(tx_hash, number) if kind == "assign" else self.acting(tx_hash, kind)

    def scanning(self, shop: Shop, asset: str, batch_size: int = 2) -> Step[Model]:
        async def scan() -> None:
            with suppress(CursorConflict):
                await shop.chain.scan(shop.ledger, asset, batch_size)

        return Step(scan, lambda model: model.scan(self.histories[asset], asset, self.clock()))

    def cancelling(self, number: UUID) -> Step[Model]:
        return Step(
            lambda: self.shop.invoicing.cancel(number, "test"), lambda model: model.cancel(number, self.clock())
        )

    def assigning(self, tx_hash: str, number: UUID) -> Step[Model]:
        async def assign() -> None:
            await self.other.payments.assign(await self.payment_id(tx_hash), number, ME)

        return Step(assign, lambda model: model.assign(tx_hash, number))

    def acting(self, tx_hash: str, act: str) -> Step[Model]:
        async def do() -> None:
            await getattr(self.shop.payments, act)(await self.payment_id(tx_hash), ME)

        return Step(do, lambda model: bool(getattr(model, act)(tx_hash)))

    async def payment_id(self, tx_hash: str) -> int:
        (row,) = await self.shop.rows("SELECT id FROM payments WHERE chain = $1 AND tx_hash = $2", self.name, tx_hash)
        return int(row["id"])

    async def found(self) -> object:
        """Return what the database says, as the model says it."""
        invoices = await self.shop.rows(
            "SELECT id, status, received FROM invoices WHERE id = ANY ($1)", list(self.model.bills)
        )
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
        bills = list(self.model.bills)
        assert self.runner.run(self.shop.rows(UNSOUND, self.name, bills, self.event_number)) == []


UNSOUND = """
WITH mine AS MATERIALIZED (SELECT * FROM payment_standings WHERE chain = $1),
told AS MATERIALIZED (SELECT * FROM events WHERE number > $3)
SELECT 'received is not the sum of what counts' AS what, id::text FROM invoices
WHERE id = ANY ($2) AND received <> (SELECT coalesce(sum(amount), 0) FROM mine WHERE counts_for = invoices.id)
UNION ALL
SELECT 'the events do not tell its story', id::text FROM invoices
WHERE id = ANY ($2) AND ARRAY(
    SELECT sequence || type FROM told WHERE invoice_id = invoices.id AND sequence IS NOT NULL ORDER BY number
) IS DISTINCT FROM CASE WHEN status = 'waiting' THEN ARRAY['1invoice.created']
    ELSE ARRAY['1invoice.created', '2invoice.' || status] END
UNION ALL
SELECT 'the payment is not told of once', tx_hash FROM mine
WHERE 1 <> (SELECT count(*) FROM told WHERE type = 'payment.received' AND cause = 'chain:' || tx_hash)
UNION ALL
SELECT 'the acts are not told of once', tx_hash FROM mine
WHERE (SELECT count(*) FROM payment_acts WHERE payment_id = mine.id) <> (
    SELECT count(*) FROM told
    WHERE cause = 'test:hypothesis' AND type LIKE 'payment.%' AND body -> 'payment' ->> 'tx_hash' = tx_hash
)
"""


def test_whatever_happens_in_whatever_order_comes_out_as_the_model_says(database_uri: str) -> None:
    run_on_database(Whole, database_uri, settings().max_examples, steps=40)
