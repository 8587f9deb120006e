"""The desk on a real database: orders, claims, reports and confirmations in every order that they can come in."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count
from uuid import uuid4

import pytest

from harvester.chain.desk import Badge, Lives, OrderDraft, Placed, Reported
from harvester.domain.errors import ActRefused, BadgeRefused, NotFound
from harvester.domain.invoice import Invoice
from harvester.domain.payment import Transfer
from harvester.services.desk import OrderDesk
from harvester.storage import wallets
from harvester.storage.database import Database
from tests.memory_chain import COIN
from tests.services.conftest import Shop

WALLET = "hot_wallet"
HOST = "192.168.1.100"
LIVES = Lives(unclaimed=timedelta(hours=2), unpaid=timedelta(hours=48))


@dataclass
class Counter:
    """A storefront, a hot wallet and payers, at one desk."""

    shop: Shop
    strict: bool = True
    nonces: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        shop = self.shop
        services = (shop.database, shop.chains, shop.clock, shop.signals, shop.metrics)
        self.desk = OrderDesk(*services, chain=shop.chain.name, lives=LIVES, strict=self.strict)

    async def open(self) -> "Counter":
        async with self.shop.database.transaction() as connection:
            await wallets.add(connection, self.shop.chain.name, WALLET, HOST, 0, self.shop.clock())
        return self

    def badge(self, nonce: int | None = None, ip_address: str | None = HOST) -> Badge:
        return Badge(self.shop.chain.name, WALLET, next(self.nonces) if nonce is None else nonce, ip_address)

    async def place(
        self, order_id: str, customer_id: str, price: int, alt_id: str | None = None, claimed_by: str | None = None
    ) -> Placed:
        amount = Decimal(price).scaleb(-9)
        draft = OrderDraft(
            order_id, customer_id, "MEM", amount, "MEM", self.shop.clock(), alt_id, claimed_by=claimed_by
        )
        return await self.desk.place_order(draft)

    async def pay(self, payer: str, amount: int, order: str | None = None, tx_hash: str | None = None) -> Transfer:
        tx_hash = tx_hash or uuid4().hex
        now = self.shop.clock()
        transfer = Transfer(tx_hash, 0, COIN, amount, payer, now, order_reference=order, provisional=True)
        await self.desk.report(transfer, self.badge())
        return transfer

    async def confirm(self, transfer: Transfer) -> Reported:
        return await self.desk.confirm(transfer.tx_hash, 0, self.badge())

    async def status(self, order_id: str) -> str:
        order = await self.desk.order(order_id)
        assert order
        return order.status.value

    async def claim(self, order_id: str, address: str) -> Invoice:
        return await self.desk.claim(order_id, address, "claim")

    async def balance(self, owner: str) -> int:
        rows = await self.shop.rows(
            """SELECT coalesce(sum(CASE WHEN to_account = a.id THEN amount ELSE -amount END), 0) AS balance
            FROM credit_entries JOIN credit_accounts AS a ON a.id IN (from_account, to_account) WHERE a.owner = $1""",
            owner,
        )
        return int(rows[0]["balance"])

    async def types(self, order_id: str) -> list[str]:
        order = await self.desk.order(order_id)
        assert order
        return [kind for _, kind in await self.shop.events(order.id)]


@pytest.fixture
async def counter(database: Database) -> Counter:
    return await Counter(Shop(database)).open()


async def test_an_order_is_claimed_paid_confirmed_and_settled(counter: Counter) -> None:
    placed = await counter.place("1", "alice", 2100)
    assert (placed.new, placed.invoice.status.value) == (True, "unclaimed")
    claimed = await counter.claim("1", "a1")
    assert claimed.status.value == "waiting"
    assert claimed.expires_at == counter.shop.clock() + LIVES.unpaid
    money = await counter.pay("a1", 2500)
    assert await counter.status("1") == "waiting"
    assert (await counter.confirm(money)).new
    assert await counter.status("1") == "paid"
    assert await counter.balance("a1") == 400
    assert await counter.types("1") == ["invoice.created", "invoice.claimed", "invoice.paid"]


@pytest.mark.parametrize(
    "story",
    [
        "order claim pay confirm",
        "order pay claim confirm",
        "order pay confirm claim",
        "pay order claim confirm",
        "pay order confirm claim",
        "pay confirm order claim",
    ],
)
async def test_ordering_claiming_paying_and_confirming_may_come_in_any_order(counter: Counter, story: str) -> None:
    transfer = None
    for step in story.split():
        if step == "order":
            await counter.place("1", "alice", 2100)
        elif step == "claim":
            await counter.claim("1", "a1")
        elif step == "pay":
            transfer = await counter.pay("a1", 2500)
        elif transfer:
            await counter.confirm(transfer)
    assert (await counter.status("1"), await counter.balance("a1")) == ("paid", 400)


@pytest.mark.parametrize("story", ["order pay confirm", "pay order confirm", "pay confirm order"])
async def test_money_that_names_the_order_needs_no_claim(counter: Counter, story: str) -> None:
    transfer = None
    for step in story.split():
        if step == "order":
            await counter.place("1", "alice", 2100)
        elif step == "pay":
            transfer = await counter.pay("a1", 2500, order="1")
        elif transfer:
            await counter.confirm(transfer)
    assert (await counter.status("1"), await counter.balance("a1")) == ("paid", 400)


async def test_a_repeat_changes_nothing_and_another_content_is_refused(counter: Counter) -> None:
    first = await counter.place("1", "alice", 100, alt_id="#1")
    again = await counter.place("1", "alice", 100, alt_id="#1")
    assert (again.new, again.invoice.id) == (False, first.invoice.id)
    for order_id, customer, price, alt_id in (
        ("1", "bob", 100, "#1"),
        ("1", "alice", 101, "#1"),
        ("2", "alice", 100, "#1"),
    ):
        with pytest.raises(ActRefused, match="exists with another"):
            await counter.place(order_id, customer, price, alt_id=alt_id)


async def test_a_badge_counts_once_and_only_with_its_effect(counter: Counter) -> None:
    transfer = await counter.pay("a1", 100)
    with pytest.raises(BadgeRefused):
        await counter.desk.confirm(transfer.tx_hash, 0, counter.badge(1))
    with pytest.raises(BadgeRefused):
        await counter.desk.confirm(transfer.tx_hash, 0, counter.badge(5, "10.0.0.1"))
    with pytest.raises(NotFound):
        await counter.desk.confirm("unknown", 0, counter.badge(5))
    assert (await counter.desk.confirm(transfer.tx_hash, 0, counter.badge(5))).new
    assert not (await counter.desk.confirm(transfer.tx_hash, 0, counter.badge(6))).new
    assert await counter.balance("a1") == 100
