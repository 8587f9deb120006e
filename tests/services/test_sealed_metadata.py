"""Purchase metadata for payers on a real database: whichever comes first, the payment or the key."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.chain import PayerKey, Sealer
from harvester.domain.errors import InvalidInput, NotEnabled, NotFound
from harvester.domain.invoice import Invoice
from harvester.services.sealed_metadata import UNPAID_FOR, SealedMetadata
from harvester.storage.database import Database
from tests.memory_chain import COIN, MemoryChain
from tests.services.conftest import Shop

HOUR_SECS = UNPAID_FOR.total_seconds()


class Tape:
    """Seals nothing: one sees with which key it was done."""

    def payer_key(self, account: str, members: Mapping[str, object]) -> PayerKey:
        """See `harvester.chain.Sealer`."""
        if members.get("signed_by") != account:
            raise InvalidInput("signed_by must be the account")
        return PayerKey(account.lower(), str(members["key"]).encode())

    def seal(self, text: bytes, payer_key: bytes) -> bytes:
        """See `harvester.chain.Sealer`."""
        return payer_key + b":" + text


@dataclass
class SealingChain(MemoryChain):
    """A chain in memory that seals, if it is enabled."""

    enabled: bool = True

    def sealer(self) -> Sealer | None:
        """See `harvester.chain.SealingAdapter`."""
        return Tape() if self.enabled else None


class Counter:
    """A shop that seals what was bought."""

    def __init__(self, database: Database, max_unpaid: int = 100, *, name: str = "memory") -> None:
        self.shop = Shop(database)
        self.chain = SealingChain(self.shop.clock, name)
        self.shop = Shop(database, self.shop.clock, world=self.chain)
        self.metadata = SealedMetadata(database, self.shop.chains, self.shop.clock, max_unpaid)

    async def commit(self, account: str, key: str = "key") -> None:
        """Commit a key."""
        await self.metadata.commit(account, {"signed_by": account, "key": key})

    async def pay(self, payer: str, invoice: Invoice | None = None) -> UUID:
        """Pay an invoice in full, a new one if none is given, and let it be found."""
        paid = invoice or await self.shop.invoice()
        self.chain.pay(paid.amount, paid.id, payer=payer)
        await self.scan()
        return paid.id

    async def scan(self) -> None:
        """Read the chain to the present."""
        await self.shop.ledger.further_destinations(self.chain.name)
        await self.shop.scan()

    async def kept(self) -> list[str]:
        """Whose keys are there, the oldest first."""
        rows = await self.shop.rows(
            "SELECT address FROM payer_keys WHERE chain = $1 ORDER BY committed_at, address", self.chain.name
        )
        return [row["address"] for row in rows]


@pytest.fixture
def counter(database: Database) -> Counter:
    """A shop on a fresh database."""
    return Counter(database)


async def test_the_key_may_come_before_or_after_the_payment(counter: Counter) -> None:
    await counter.commit("early")
    for payer in ("early", "late"):
        invoice_id = await counter.pay(payer)
        if payer == "late":
            with pytest.raises(NotFound, match="no key"):
                await counter.metadata.sealed(invoice_id)
            await counter.commit("late")
        assert await counter.metadata.sealed(invoice_id) == b"key:{}"


async def test_a_later_key_replaces_the_one_before_and_serves_older_invoices_too(counter: Counter) -> None:
    invoice_id = await counter.pay("alice")
    for key in ("first", "second"):
        await counter.commit("Alice", key)
        assert await counter.metadata.sealed(invoice_id) == f"{key}:{{}}".encode()


async def test_it_is_sealed_for_who_settled_the_invoice(counter: Counter) -> None:
    invoice = await counter.shop.invoice(amount=100)
    await counter.commit("half")
    await counter.commit("rest")
    counter.chain.pay(50, invoice.id, payer="half")
    await counter.scan()
    with pytest.raises(InvalidInput, match="not paid"):
        await counter.metadata.sealed(invoice.id)
    counter.chain.pay(50, invoice.id, payer="rest")
    await counter.scan()
    assert (await counter.metadata.sealed(invoice.id)).startswith(b"key:")
    await counter.shop.rows("DELETE FROM payer_keys WHERE address = 'rest' RETURNING 1")
    with pytest.raises(NotFound):
        await counter.metadata.sealed(invoice.id)


async def test_without_a_key_of_the_merchant_nothing_is_sealed_nor_taken(counter: Counter) -> None:
    invoice_id = await counter.pay("alice")
    counter.chain.enabled = False
    with pytest.raises(NotEnabled):
        await counter.metadata.sealed(invoice_id)
    with pytest.raises(NotEnabled):
        await counter.commit("alice")
    assert await counter.kept() == []


async def test_unknown_invoices_and_certificates_that_are_none_are_told_apart(counter: Counter) -> None:
    with pytest.raises(NotFound, match="not found"):
        await counter.metadata.sealed(uuid4())
    with pytest.raises(InvalidInput, match="signed_by"):
        await counter.metadata.commit("alice", {"signed_by": "bob", "key": "k"})
    assert await counter.kept() == []


async def test_a_key_is_dropped_when_its_account_has_paid_nothing_for_an_hour(counter: Counter) -> None:
    for name in ("pays", "never"):
        await counter.commit(name)
    counter.shop.clock.advance(HOUR_SECS)
    await counter.commit("later")
    await counter.pay("pays")
    await counter.metadata.drop_unpaid()
    assert await counter.kept() == ["never", "pays", "later"]
    counter.shop.clock.advance(1)
    await counter.scan()
    await counter.metadata.drop_unpaid()
    assert await counter.kept() == ["pays", "later"]
    counter.shop.clock.advance(HOUR_SECS + 1)
    await counter.scan()
    await counter.metadata.drop_unpaid()
    assert await counter.kept() == ["pays"]


async def test_a_key_is_not_dropped_while_its_payment_may_still_be_found(counter: Counter) -> None:
    await counter.commit("payer")
    invoice = await counter.shop.invoice(life_time_secs=int(HOUR_SECS))
    await counter.scan()
    counter.chain.pay(invoice.amount, invoice.id, payer="payer")  # nobody reads the chain for a day
    counter.shop.clock.advance(24 * HOUR_SECS)
    await counter.metadata.drop_unpaid()
    await counter.scan()
    await counter.metadata.drop_unpaid()
    assert await counter.metadata.sealed(invoice.id) == b"key:{}"


async def test_nothing_is_dropped_before_all_places_of_payments_have_been_read(counter: Counter) -> None:
    await counter.commit("payer")
    counter.shop.clock.advance(2 * HOUR_SECS)
    await counter.metadata.drop_unpaid()
    await counter.shop.ledger.further_destinations(counter.chain.name)
    await counter.chain.scan(counter.shop.ledger, COIN)
    await counter.metadata.drop_unpaid()
    assert await counter.kept() == ["payer"]
    await counter.shop.scan()
    await counter.metadata.drop_unpaid()
    assert await counter.kept() == []


async def test_of_too_many_unpaid_keys_the_oldest_go_and_paid_ones_never(database: Database) -> None:
    counter = Counter(database, max_unpaid=3)
    await counter.commit("paid")
    await counter.pay("paid")
    for number in range(6):
        counter.shop.clock.advance(1)
        await counter.commit(f"unpaid{number}")
    await counter.commit("unpaid4")
    assert await counter.kept() == ["paid", "unpaid3", "unpaid4", "unpaid5"]


async def test_dropping_goes_on_in_steps_until_all_is_done(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvester.services.sealed_metadata._AT_ONCE", 2)
    for number in range(7):
        await counter.commit(f"account{number}")
    for number in range(2, 5):
        await counter.pay(f"account{number}")
    counter.shop.clock.advance(HOUR_SECS + 1)
    await counter.scan()
    assert [await counter.metadata.drop_unpaid() for _ in range(5)] == [True, True, True, False, False]
    assert await counter.kept() == ["account2", "account3", "account4"]


async def at_once(acts: Mapping[str, Callable[[], Awaitable[object]]], order: Sequence[str], pauses: Any) -> None:
    """Do all acts at once, begun in this order, each after so many turns of the loop."""

    async def after(turns: int, act: Callable[[], Awaitable[object]]) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await act()

    await asyncio.gather(*(after(turns, acts[name]) for name, turns in zip(order, pauses, strict=True)))


PAUSES = st.lists(st.integers(0, 20), min_size=4, max_size=4)


@given(order=st.permutations(["key", "another key", "payment", "drop"]), pauses=PAUSES)
async def test_key_and_payment_at_the_same_time_always_find_each_other(
    database: Database, order: Sequence[str], pauses: list[int]
) -> None:
    """In whatever order, and although an older key of the account is due to be dropped at this moment."""
    counter = Counter(database, max_unpaid=2, name=f"memory-{uuid4()}")
    invoice = await counter.shop.invoice(life_time_secs=10**6)
    await counter.commit("bystander")
    await counter.commit("payer", "stale")
    counter.shop.clock.advance(HOUR_SECS + 1)
    await counter.scan()
    acts: dict[str, Callable[[], Awaitable[object]]] = {
        "key": lambda: counter.commit("payer", "first"),
        "another key": lambda: counter.commit("payer", "second"),
        "payment": lambda: counter.pay("payer", invoice),
        "drop": counter.metadata.drop_unpaid,
    }
    await at_once(acts, order, pauses)
    assert await counter.metadata.sealed(invoice.id) in {b"first:{}", b"second:{}"}
    counter.shop.clock.advance(2 * HOUR_SECS)
    await counter.scan()
    await counter.metadata.drop_unpaid()
    assert await counter.kept() == ["payer"]


@given(order=st.permutations(["scan", "drop", "drop again", "key of another"]), pauses=PAUSES)
async def test_a_payment_in_time_is_found_before_its_key_is_dropped(
    database: Database, order: Sequence[str], pauses: list[int]
) -> None:
    counter = Counter(database, name=f"memory-{uuid4()}")
    await counter.scan()
    invoice = await counter.shop.invoice(life_time_secs=10**6)
    await counter.commit("payer")
    counter.chain.pay(invoice.amount, invoice.id, payer="payer")
    counter.shop.clock.advance(HOUR_SECS + 1)
    acts: dict[str, Callable[[], Awaitable[object]]] = {
        "scan": counter.scan,
        "drop": counter.metadata.drop_unpaid,
        "drop again": counter.metadata.drop_unpaid,
        "key of another": lambda: counter.commit("other"),
    }
    await at_once(acts, order, pauses)
    assert await counter.metadata.sealed(invoice.id) == b"key:{}"


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["commit", "pay", "drop", "wait", "scan"]), st.integers(0, 3)), max_size=25
    )
)
async def test_whatever_happens_in_whatever_order_it_is_as_a_model_says(
    database: Database, steps: list[tuple[str, int]]
) -> None:
    counter = Counter(database, name=f"memory-{uuid4()}")
    await counter.scan()
    clock, read_until = counter.shop.clock, counter.shop.clock()
    keys: dict[str, tuple[str, Any]] = {}
    unread: set[str] = set()
    payers: set[str] = set()
    invoices: dict[UUID, str] = {}
    for number, (act, who) in enumerate(steps):
        account = f"account{who}"
        if act == "commit":
            await counter.commit(account, f"key{number}")
            keys[account] = f"key{number}", clock()
        if act == "pay":
            invoice = await counter.shop.invoice(life_time_secs=10**6)
            counter.chain.pay(invoice.amount, invoice.id, payer=account)
            invoices[invoice.id] = account
            unread.add(account)
        if act == "wait":
            clock.advance(HOUR_SECS / 2)
        if act == "scan":
            await counter.scan()
            read_until, payers, unread = clock(), payers | unread, set()
        if act == "drop":
            await counter.metadata.drop_unpaid()
            keys = {
                name: (key, at) for name, (key, at) in keys.items() if name in payers or at >= read_until - UNPAID_FOR
            }
        assert set(await counter.kept()) == keys.keys()
    await counter.scan()
    for invoice_id, account in invoices.items():
        if account in keys:
            assert await counter.metadata.sealed(invoice_id) == f"{keys[account][0]}:{{}}".encode()
        else:
            with pytest.raises(NotFound):
                await counter.metadata.sealed(invoice_id)
