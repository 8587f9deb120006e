"""The adapter contract as tests. A chain passes by subclassing `AdapterContract` and saying how its world is made.

The suite sees an adapter only through `harvester.chain`, and the chain only through `World`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from harvester.chain import MAX_BATCH_TRANSFERS, Account, Adapter, Batch, Destination, Position, SealingAdapter
from harvester.domain.errors import CursorConflict, InvalidInput, LeaseLost, Unavailable
from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import Status
from harvester.domain.money import Currency
from harvester.domain.payment import Transfer

PATIENCE_SECS = 30


class World(Protocol):
    """A chain that an adapter under test watches."""

    def adapter(self) -> Adapter:
        """Return a new adapter, as a restarted process would build it."""
        ...

    def reconfigured_adapter(self) -> Adapter:
        """Return an adapter of the same chain whose configuration names another recipient, and fewer currencies."""
        ...

    async def pay(self, currency: Currency, amount: int, invoice_id: UUID | None) -> None:
        """Make a transfer to the merchant of `adapter` that names `invoice_id`, and bring it into a block."""
        ...

    async def tick(self) -> None:
        """Let the chain's time go on without a transfer."""
        ...


@dataclass
class RecordingLedger:
    """Keeps the contract's promises in memory, and can be told to break down."""

    open_since: datetime | None = None
    cursors: dict[Account, str] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    notes: dict[tuple[str, str], bytes] = field(default_factory=dict)
    destinations: Sequence[Destination] = ()
    """What is to be watched besides what the adapter is configured for."""
    faults: list[Exception] = field(default_factory=list)
    """Raised, one a call, instead of recording."""
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def position(self, account: Account) -> Position:
        """See `harvester.chain.Ledger`."""
        return Position(self.cursors.get(account), None, self.open_since)

    async def further_destinations(self, chain: str) -> Sequence[Destination]:
        """See `harvester.chain.Ledger`."""
        del chain
        return self.destinations

    async def recall(self, chain: str, name: str) -> bytes | None:
        """See `harvester.chain.Ledger`."""
        return self.notes.get((chain, name))

    async def remember(self, chain: str, name: str, value: bytes) -> None:
        """See `harvester.chain.Ledger`."""
        self.notes[chain, name] = value

    async def record(self, batch: Batch) -> None:
        """See `harvester.chain.Ledger`."""
        if self.faults:
            raise self.faults.pop()
        if self.cursors.get(batch.account) != batch.cursor_from:
            raise CursorConflict("moved")
        async with self.news:
            self.cursors[batch.account] = batch.cursor_to
            self.batches.append(batch)
            self.news.notify_all()

    @property
    def transfers(self) -> Sequence[Transfer]:
        """All that was handed over, in order."""
        return [transfer for batch in self.batches for transfer in batch.transfers]

    async def until(self, count: int) -> Sequence[Transfer]:
        """Wait for `count` transfers that are not ignored, and return them."""

        def counted() -> list[Transfer]:
            return [transfer for transfer in self.transfers if not transfer.ignored]

        async with asyncio.timeout(PATIENCE_SECS), self.news:
            await self.news.wait_for(lambda: len(counted()) >= count)
        return counted()

    async def until_scanned(self, moment: datetime) -> None:
        """Wait until every account that was heard of has been scanned past `moment`."""

        def scanned() -> bool:
            latest: dict[Account, datetime] = {}
            for batch in self.batches:
                if batch.scanned_until:
                    latest[batch.account] = batch.scanned_until
            return bool(latest) and all(until > moment for until in latest.values())

        async with asyncio.timeout(PATIENCE_SECS), self.news:
            await self.news.wait_for(scanned)


@asynccontextmanager
async def running(adapter: Adapter, ledger: RecordingLedger) -> AsyncIterator[None]:
    """Run `adapter` inside the block, and let it end in its own time."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(adapter.run(ledger, stop))
        try:
            yield
        finally:
            stop.set()


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield `error`, or what is in it if it is a group."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def invoice_for(adapter: Adapter, currency: Currency) -> Invoice:
    """Return a fresh invoice in `currency`."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Invoice(
        id=uuid7(),
        status=Status.WAITING,
        amount=1_000,
        received=0,
        ticker=currency.ticker,
        chain=currency.chain,
        asset=currency.asset,
        decimals=currency.decimals,
        pay_to_address=adapter.pay_to_address(currency),
        created_at=now,
        expires_at=now + timedelta(hours=1),
        updated_at=now,
        sequence=1,
        private_info="{}",
        metadata="{}",
    )


class AdapterContract:
    """Subclass it as `Test…` with a fixture `world`."""

    async def test_currencies_are_its_own_and_named_once(self, world: World) -> None:
        adapter = world.adapter()
        currencies = adapter.currencies()
        assert currencies
        assert len({currency.ticker for currency in currencies}) == len(currencies)
        assert {currency.chain for currency in currencies} == {adapter.name}

    async def test_the_merchants_address_is_canonical(self, world: World) -> None:
        adapter = world.adapter()
        for currency in adapter.currencies():
            address = adapter.pay_to_address(currency)
            assert adapter.parse_address(address) == address

    async def test_nonsense_is_no_address(self, world: World) -> None:
        for text in ("", " ", "no address at all", "0:xyz", "\x00", "9" * 10_000):
            with pytest.raises(InvalidInput):
                world.adapter().parse_address(text)

    async def test_an_invoice_says_how_it_is_paid_even_if_its_currency_is_gone(self, world: World) -> None:
        adapter = world.adapter()
        for currency in adapter.currencies():
            invoice = invoice_for(adapter, currency)
            request = adapter.payment_request(invoice)
            assert request.links
            assert all(str(invoice.amount) in link for link in request.links.values())
            renamed = adapter.payment_request(replace(invoice, ticker="GONE", pay_to_address=invoice.pay_to_address))
            assert renamed == request

    async def test_what_seals_refuses_what_is_no_certificate(self, world: World) -> None:
        adapter = world.adapter()
        sealer = adapter.sealer() if isinstance(adapter, SealingAdapter) else None
        if sealer is None:
            pytest.skip("this chain does not seal")
        currency, *_ = adapter.currencies()
        nonsense: Sequence[object] = (None, 5, "", "zz", "00" * 32, [], {})
        for account in ("", "no address at all", adapter.pay_to_address(currency)):
            for value in nonsense:
                members = dict.fromkeys(("wallet_version", "public_key", "cert", "key", "signature"), value)
                with pytest.raises(InvalidInput):
                    sealer.payer_key(account, members)
            with pytest.raises(InvalidInput):
                sealer.payer_key(account, {})

    async def test_each_transfer_is_handed_over_once_in_order(self, world: World) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        currency, *_ = adapter.currencies()
        named = uuid7()
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(datetime.min.replace(tzinfo=UTC))
            for amount in (1_000, 2_000, 3_000):
                await world.pay(currency, amount, named)
            await world.pay(currency, 4_000, None)
            transfers = await ledger.until(4)
        assert [transfer.amount for transfer in transfers] == [1_000, 2_000, 3_000, 4_000]
        assert [transfer.invoice_id for transfer in transfers] == [named, named, named, None]
        assert transfers[3].reason
        assert {transfer.asset for transfer in transfers} == {currency.asset}
        assert len({(transfer.tx_hash, transfer.index) for transfer in transfers}) == 4

    async def test_every_currency_is_watched(self, world: World) -> None:
        # An invoice is open, so that it does not matter how long finding each account takes.
        adapter, ledger = world.adapter(), RecordingLedger(open_since=datetime.now(UTC) - timedelta(seconds=60))
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(datetime.min.replace(tzinfo=UTC))
            for currency in adapter.currencies():
                await world.pay(currency, 500, uuid7())
            transfers = await ledger.until(len(adapter.currencies()))
        assert {transfer.asset for transfer in transfers} == {currency.asset for currency in adapter.currencies()}

    async def test_what_the_configuration_no_longer_names_is_watched_while_the_ledger_wants_it(
        self, world: World
    ) -> None:
        before, now = world.adapter(), world.reconfigured_adapter()
        wanted = [Destination(before.pay_to_address(each), each.asset) for each in before.currencies()]
        assert not {Destination(now.pay_to_address(each), each.asset) for each in now.currencies()} & set(wanted)
        for currency in before.currencies():
            await world.pay(currency, 500, uuid7())
        ledger = RecordingLedger(open_since=datetime.now(UTC) - timedelta(seconds=60), destinations=wanted)
        async with running(now, ledger):
            await world.tick()
            await ledger.until(len(wanted))
        found = {batch.account for batch in ledger.batches if any(not transfer.ignored for transfer in batch.transfers)}
        assert sorted((each.pay_to_address, each.asset) for each in found) == sorted(
            (each.pay_to_address, each.asset) for each in wanted
        )

    async def test_batches_join_without_gaps_and_are_bounded(self, world: World) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        currency, *_ = adapter.currencies()
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(datetime.min.replace(tzinfo=UTC))
            for _ in range(5):
                await world.pay(currency, 7, None)
            await ledger.until(5)
        heads: dict[Account, str | None] = {}
        for batch in ledger.batches:
            assert batch.cursor_from == heads.get(batch.account)
            assert len(batch.transfers) <= MAX_BATCH_TRANSFERS
            heads[batch.account] = batch.cursor_to

    async def test_a_restart_goes_on_where_the_cursor_is(self, world: World) -> None:
        ledger = RecordingLedger()
        currency, *_ = world.adapter().currencies()
        async with running(world.adapter(), ledger):
            await world.tick()
            await ledger.until_scanned(datetime.min.replace(tzinfo=UTC))
            await world.pay(currency, 11, None)
            await ledger.until(1)
        await world.pay(currency, 12, None)
        async with running(world.adapter(), ledger):
            transfers = await ledger.until(2)
        assert [transfer.amount for transfer in transfers] == [11, 12]

    async def test_an_invoice_paid_before_the_chain_was_first_reached_is_seen(self, world: World) -> None:
        currency, *_ = world.adapter().currencies()
        named = uuid7()
        await world.pay(currency, 42, named)
        ledger = RecordingLedger(open_since=datetime.now(UTC) - timedelta(seconds=60))
        async with running(world.adapter(), ledger):
            await world.tick()
            transfers = await ledger.until(1)
        assert (transfers[0].invoice_id, transfers[0].amount) == (named, 42)

    async def test_faults_of_the_ledger_lose_and_double_nothing(self, world: World) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        currency, *_ = adapter.currencies()
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(datetime.min.replace(tzinfo=UTC))
            ledger.faults = [Unavailable("away"), CursorConflict("moved"), Unavailable("away")]
            await world.pay(currency, 21, None)
            await world.pay(currency, 22, None)
            transfers = await ledger.until(2)
        assert [transfer.amount for transfer in transfers] == [21, 22]

    async def test_a_lost_lease_ends_its_run_and_it_can_run_again(self, world: World) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        currency, *_ = adapter.currencies()
        run = asyncio.create_task(adapter.run(ledger, asyncio.Event()))
        await world.tick()
        await ledger.until_scanned(datetime.min.replace(tzinfo=UTC))
        ledger.faults = [LeaseLost("another process scans")]
        await world.pay(currency, 31, None)
        with pytest.raises((LeaseLost, ExceptionGroup)) as caught:
            await asyncio.wait_for(run, PATIENCE_SECS)
        assert all(isinstance(leaf, LeaseLost) for leaf in leaves(caught.value))
        async with running(adapter, ledger):
            transfers = await ledger.until(1)
        assert [transfer.amount for transfer in transfers] == [31]

    async def test_the_watermark_rises_and_stays_behind_the_chain(self, world: World) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(datetime.min.replace(tzinfo=UTC))
            first = max(batch.scanned_until for batch in ledger.batches if batch.scanned_until)
            await world.tick()
            await ledger.until_scanned(first)
            head = adapter.health().head_time
        marks = [batch.scanned_until for batch in ledger.batches if batch.scanned_until]
        assert head is not None
        assert max(marks) <= head
        assert all(mark.tzinfo is not None for mark in marks)

    async def test_health_tells_when_it_is_ready(self, world: World) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        assert not adapter.health().ready
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(datetime.min.replace(tzinfo=UTC))
            await world.tick()
            assert adapter.health().head_time is not None

    async def test_it_ends_at_once_when_stopped(self, world: World) -> None:
        stop = asyncio.Event()
        stop.set()
        async with asyncio.timeout(PATIENCE_SECS):
            await world.adapter().run(RecordingLedger(), stop)
