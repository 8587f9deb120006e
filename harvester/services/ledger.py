"""The ledger: turns what adapters see on chain into payments, settled and expired invoices, and events.

A batch is one database transaction: cursor, payments, invoices, events and deliveries commit together or not at all.
The number of statements is the same for one transfer and for five hundred, but for credit: what each transfer of it
pays depends on what those before it have left.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from harvester.chain import MAX_BATCH_TRANSFERS, Account, Batch, Clock, Destination, Position
from harvester.domain.account import UNPAID_LIFE
from harvester.domain.errors import CursorConflict, InvariantBroken
from harvester.metrics import Metrics
from harvester.services.book import Book
from harvester.services.chains import Chains
from harvester.services.purse import Market
from harvester.services.settling import Settling, take_credit
from harvester.storage import accounts, chain_notes, destinations, events, invoices, payments
from harvester.storage.credit import AccountKind, Owner
from harvester.storage.database import Connection, Database
from harvester.storage.signals import Signals

MAX_EXPIRED_PER_BATCH: Final = 512
"""A bound on one transaction's work; what is left expires with the next batch of the account."""

DEFAULT_KEEP_WATCHING: Final = timedelta(days=30)


class LedgerService:
    """Implements `harvester.chain.Ledger` on PostgreSQL."""

    def __init__(
        self,
        database: Database,
        chains: Chains,
        clock: Clock,
        signals: Signals,
        metrics: Metrics,
        *,
        tolerance_ppm: int = 0,
        keep_watching: timedelta = DEFAULT_KEEP_WATCHING,
        credit_unmatched: bool = False,
    ) -> None:
        """Make the ledger.

        `tolerance_ppm`: millionths of an invoice's amount that may be missing. `keep_watching`: how long destinations
        that are no longer configured stay watched after they were last needed. `credit_unmatched`: whether money
        that names no invoice is its sender's credit.
        """
        self._database = database
        self._chains = chains
        self._clock = clock
        self._signals = signals
        self._metrics = metrics
        self._tolerance_ppm = tolerance_ppm
        self._keep_watching = keep_watching
        self._credit_unmatched = credit_unmatched

    async def position(self, account: Account) -> Position:
        """See `harvester.chain.Ledger.position`."""
        async with self._database.connection() as connection:
            return await accounts.position(connection, account)

    async def further_destinations(self, chain: str) -> Sequence[Destination]:
        """See `harvester.chain.Ledger.further_destinations`."""
        now, configured = self._clock(), self._chains.destinations(chain)
        async with self._database.transaction() as connection:
            await destinations.note(connection, chain, configured, now)
            needed = await destinations.needed_since(connection, chain, now - self._keep_watching)
        return [destination for destination in needed if destination not in configured]

    async def recall(self, chain: str, name: str) -> bytes | None:
        """See `harvester.chain.Ledger.recall`."""
        async with self._database.connection() as connection:
            return await chain_notes.recall(connection, chain, name)

    async def remember(self, chain: str, name: str, value: bytes) -> None:
        """See `harvester.chain.Ledger.remember`."""
        async with self._database.transaction() as connection:
            await chain_notes.remember(connection, chain, name, value, self._clock())

    async def record(self, batch: Batch) -> None:
        """See `harvester.chain.Ledger.record`."""
        if len(batch.transfers) > MAX_BATCH_TRANSFERS:
            raise InvariantBroken(f"a batch of {len(batch.transfers)} transfers, allowed are {MAX_BATCH_TRANSFERS}")
        now = self._clock()
        try:
            async with self._database.transaction() as connection:
                await accounts.advance(connection, batch, now)
                book = Book(self._chains, batch, now, self._tolerance_ppm, credit_unmatched=self._credit_unmatched)
                if batch.transfers:
                    await self._receive(connection, batch, book)
                if batch.scanned_until is not None:
                    await self._expire(connection, batch.account, batch.scanned_until, book)
                if book.events:
                    await events.insert(connection, book.events)
        except CursorConflict:
            self._metrics.cursor_conflicts.inc()
            raise
        self._announce(batch.account.chain, book, now)

    async def _receive(self, connection: Connection, batch: Batch, book: Book) -> None:
        known = await payments.known(connection, batch.account.chain, batch.transfers)
        each = dict.fromkeys(batch.transfers)  # in order; one that is in it twice counts once
        new = [transfer for transfer in each if (transfer.tx_hash, transfer.index) not in known]
        market = Market(batch.account.chain, batch.account.asset)
        settling = Settling(connection, self._chains, book.now, UNPAID_LIFE)
        payers = [Owner(AccountKind.ADDRESS, transfer.payer) for transfer in new if book.is_credit(transfer)]
        purse = await settling.accounts(market, payers) if payers else None
        named = sorted({transfer.invoice_id for transfer in new if transfer.invoice_id is not None})
        if named:
            book.know(await invoices.lock(connection, named))
        for transfer in new:
            book.enter(transfer)
        ids: Mapping[tuple[str, int], int] = {}
        if book.classed:
            ids = await payments.insert(connection, batch.account, book.classed, batch.proof, book.now)
            book.tell_payments(ids)
        await _write(connection, book)
        if purse:
            credited = [(ids[each.tx_hash, each.index], each) for each in new if book.is_credit(each)]
            await take_credit(settling, purse, market, credited, proof=batch.proof)
            book.events += settling.events

    async def _expire(self, connection: Connection, account: Account, scanned_until: datetime, book: Book) -> None:
        due = await invoices.lock_due(connection, account, scanned_until, MAX_EXPIRED_PER_BATCH)
        book.know(due)
        for invoice_id in due:
            book.expire(invoice_id)
        await _write(connection, book)

    def _announce(self, chain: str, book: Book, now: datetime) -> None:
        for transfer, payment_class, _, _ in book.classed:
            asset = self._chains.asset_label(chain, transfer.asset)
            self._metrics.payments.labels(chain, asset, payment_class.value).inc()
            self._metrics.detection_delay.labels(chain).observe(max(0.0, (now - transfer.time).total_seconds()))
        self._metrics.count_transitions(book.events)
        if book.events:
            self._signals.publish("deliveries", "events")


async def _write(connection: Connection, book: Book) -> None:
    changes = book.take_changes()
    if changes:
        await invoices.update(connection, changes)
