"""News of single invoices for whoever waits for them: one query finds it for all readers, however many there are."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Final, NoReturn
from uuid import UUID

from harvester.chain import UNHEARD, Pulse
from harvester.domain.errors import Unavailable
from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import OPEN
from harvester.services.invoicing import get_invoice
from harvester.services.outage import Outage
from harvester.storage import invoice_states
from harvester.storage.database import Database
from harvester.storage.invoice_states import InvoiceState
from harvester.storage.signals import Signals

_POLL_SECS: Final = 1.0
_COALESCE_SECS: Final = 0.05
"""Looks are at least so far apart, however many events come."""


class InvoiceNews:
    """Follows invoices while `run` is running."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals
        self._readers: set[_Reader] = set()
        self._stopping = False

    async def run(self, stop: asyncio.Event, pulse: Pulse = UNHEARD) -> None:
        """Look for news until `stop` is set, then send the readers on their way."""
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._look(pulse), name="invoice news")
            await stop.wait()
            self._stopping = True
            for reader in self._readers:
                reader.wake()
            looking.cancel()

    async def follow(self, invoice_id: UUID, silence_secs: float) -> AsyncGenerator[Invoice | None, None]:
        """Yield the invoice as it is, and again when its state changes, or what it has received.

        None is yielded when there was no news for `silence_secs`. Ends when the invoice is in a final state, or the
        daemon stops; the last invoice may come twice. Close the iterator (`aclosing`).

        Raises:
            NotFound: there is no such invoice.
            Unavailable: the database does not answer.
        """
        with self._reader(invoice_id) as reader:
            while not self._stopping:
                invoice = await self._get(invoice_id)
                reader.known = InvoiceState(invoice.status.value, invoice.received)
                yield invoice
                if invoice.status not in OPEN:
                    return
                while not await reader.wait(silence_secs):
                    yield None

    async def _get(self, invoice_id: UUID) -> Invoice:
        async with self._database.connection() as connection:
            return await get_invoice(connection, invoice_id)

    async def _look(self, pulse: Pulse) -> NoReturn:
        outage = Outage("invoice news")
        with self._signals.listening("events") as hint:
            while True:
                pulse.beat()
                await hint.wait(_POLL_SECS)
                try:
                    await self._tell_readers()
                    outage.over()
                    pulse.success()
                    await asyncio.sleep(_COALESCE_SECS)
                except Unavailable as error:
                    await asyncio.sleep(outage.retry_secs(error))

    async def _tell_readers(self) -> None:
        if not self._readers:
            return
        async with self._database.connection() as connection:
            states = await invoice_states.read(connection, {reader.invoice_id for reader in self._readers})
        for reader in self._readers:
            if reader.known not in {None, states.get(reader.invoice_id)}:
                reader.wake()

    @contextmanager
    def _reader(self, invoice_id: UUID) -> Iterator["_Reader"]:
        reader = _Reader(invoice_id)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.remove(reader)


class _Reader:
    """Somebody who waits for an invoice to be other than `known`; None: it has not been read yet."""

    def __init__(self, invoice_id: UUID) -> None:
        self.invoice_id = invoice_id
        self.known: InvoiceState | None = None
        self._news = asyncio.Event()

    def wake(self) -> None:
        self._news.set()

    async def wait(self, timeout_secs: float) -> bool:
        """Say whether there was news in time."""
        try:
            async with asyncio.timeout(timeout_secs):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True
