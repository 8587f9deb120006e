"""The adapter contract as tests. A chain passes by subclassing one of two, and saying how its world is made.

`AdapterContract` is what holds of every adapter. `WatchingContract` (in `watching`) is what holds of one that reads its
chain: one whose payments are reported to its routes hands no transfers to the ledger.

The suite sees an adapter only through `harvester.chain`, and the chain only through `World`.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

import pytest

from harvester.chain import Adapter, Destination, SealingAdapter
from harvester.cli.failures import leaves
from harvester.domain.errors import CursorConflict, InvalidInput, LeaseLost, Unavailable
from harvester.domain.invoice import Invoice
from harvester.domain.money import Currency
from tests.contract.recording import PATIENCE_SECS, RecordingLedger, running
from tests.e2e.eventually import eventually
from tests.invoices import waiting_invoice


class World(Protocol):
    """What an adapter under test is made for."""

    def adapter(self) -> Adapter:
        """Return a new adapter, as a restarted process would build it."""
        ...

    def reconfigured_adapter(self) -> Adapter:
        """Return an adapter of the same chain whose configuration names another recipient, and fewer currencies."""
        ...

    async def tick(self) -> None:
        """Let the chain's time go on without a transfer."""
        ...


class WatchedWorld(World, Protocol):
    """A chain that an adapter under test watches."""

    async def pay(self, currency: Currency, amount: int, invoice_id: UUID | None) -> None:
        """Make a transfer to the merchant of `adapter` that names `invoice_id`, and bring it into a block."""
        ...


AnyWorld = TypeVar("AnyWorld", bound=World)


def invoice_for(adapter: Adapter, currency: Currency) -> Invoice:
    """Return a fresh invoice in `currency`."""
    return waiting_invoice(
        datetime(2026, 1, 1, tzinfo=UTC),
        amount=1_000,
        ticker=currency.ticker,
        chain=currency.chain,
        asset=currency.asset,
        decimals=currency.decimals,
        pay_to_address=adapter.pay_to_address(currency),
    )


async def is_ready(adapter: Adapter) -> bool:
    return adapter.health().ready


class AdapterContract(Generic[AnyWorld]):
    """What every adapter keeps. Subclass it as `Test…` with a fixture `world`."""

    async def test_currencies_are_its_own_and_named_once(self, world: AnyWorld) -> None:
        adapter = world.adapter()
        currencies = adapter.currencies()
        assert currencies
        assert len({currency.ticker for currency in currencies}) == len(currencies)
        assert {currency.chain for currency in currencies} == {adapter.name}

    async def test_the_merchants_address_is_canonical(self, world: AnyWorld) -> None:
        adapter = world.adapter()
        for currency in adapter.currencies():
            address = adapter.pay_to_address(currency)
            assert adapter.parse_address(address) == address

    async def test_nonsense_is_no_address(self, world: AnyWorld) -> None:
        for text in ("", " ", "no address at all", "0:xyz", "\x00", "9" * 10_000):
            with pytest.raises(InvalidInput):
                world.adapter().parse_address(text)

    async def test_an_invoice_says_how_it_is_paid_even_if_its_currency_is_gone(self, world: AnyWorld) -> None:
        adapter = world.adapter()
        for currency in adapter.currencies():
            invoice = invoice_for(adapter, currency)
            request = adapter.payment_request(invoice)
            assert request.links
            assert all(str(invoice.amount) in link for link in request.links.values())
            renamed = adapter.payment_request(replace(invoice, ticker="GONE", pay_to_address=invoice.pay_to_address))
            assert renamed == request

    async def test_what_seals_refuses_what_is_no_certificate(self, world: AnyWorld) -> None:
        adapter = world.adapter()
        sealer = adapter.sealer() if isinstance(adapter, SealingAdapter) else None
        if sealer is None:
            pytest.skip("this chain does not seal")
        currency, *_ = adapter.currencies()
        nonsense: tuple[object, ...] = (None, 5, "", "zz", "00" * 32, [], {})
        for account in ("", "no address at all", adapter.pay_to_address(currency)):
            for value in nonsense:
                members = dict.fromkeys(("wallet_version", "public_key", "cert", "key", "signature"), value)
                with pytest.raises(InvalidInput):
                    sealer.payer_key(account, members)
            with pytest.raises(InvalidInput):
                sealer.payer_key(account, {})

    async def test_what_the_configuration_no_longer_names_is_watched_while_the_ledger_wants_it(
        self, world: AnyWorld
    ) -> None:
        before, now = world.adapter(), world.reconfigured_adapter()
        configured = {Destination(now.pay_to_address(each), each.asset) for each in now.currencies()}
        wanted = {Destination(before.pay_to_address(each), each.asset) for each in before.currencies()}
        assert not configured & wanted
        ledger = RecordingLedger(destinations=sorted(wanted, key=repr))
        async with running(now, ledger):
            await world.tick()
            await ledger.until_at(configured | wanted)

    async def test_batches_join_without_gaps_and_are_bounded(self, world: AnyWorld) -> None:
        ledger = RecordingLedger()
        for _ in range(2):
            async with running(world.adapter(), ledger):
                await world.tick()
                await ledger.until_scanned(ledger.scanned_until)
                await world.tick()
                await ledger.until_scanned(ledger.scanned_until)
        ledger.check_joined()

    async def test_faults_of_the_ledger_lose_and_double_nothing(self, world: AnyWorld) -> None:
        ledger = RecordingLedger()
        ledger.faults = [Unavailable("away"), CursorConflict("moved"), Unavailable("away")]
        async with running(world.adapter(), ledger):
            await world.tick()
            await ledger.until_scanned(ledger.scanned_until)
        assert not ledger.faults

    async def test_a_lost_lease_ends_its_run_and_it_can_run_again(self, world: AnyWorld) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        ledger.faults = [LeaseLost("another process scans")]
        run = asyncio.create_task(adapter.run(ledger, asyncio.Event()))
        await world.tick()
        with pytest.raises((LeaseLost, ExceptionGroup)) as caught:
            await asyncio.wait_for(run, PATIENCE_SECS)
        assert all(isinstance(leaf, LeaseLost) for leaf in leaves(caught.value))
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(ledger.scanned_until)

    async def test_the_watermark_rises_and_is_never_ahead_of_the_chain(self, world: AnyWorld) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(ledger.scanned_until)
            await world.tick()
            await ledger.until_scanned(ledger.scanned_until)
            head = adapter.health().head_time
        marks = [batch.scanned_until for batch in ledger.batches if batch.scanned_until]
        assert head is None or max(marks) <= head
        assert all(mark.tzinfo is not None for mark in marks)

    async def test_health_tells_when_it_is_ready(self, world: AnyWorld) -> None:
        adapter, ledger = world.adapter(), RecordingLedger()
        assert not adapter.health().ready
        async with running(adapter, ledger):
            await world.tick()
            await ledger.until_scanned(ledger.scanned_until)
            await eventually(lambda: is_ready(adapter), "it is ready")

    async def test_it_ends_at_once_when_stopped(self, world: AnyWorld) -> None:
        stop = asyncio.Event()
        stop.set()
        async with asyncio.timeout(PATIENCE_SECS):
            await world.adapter().run(RecordingLedger(), stop)
