"""A chain in memory: the smallest adapter there can be. It proves that the core knows no chain."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from harvester.chain import MAX_BATCH_TRANSFERS, Account, Batch, Clock, Finding, Health, Ledger, Watched, unwatched
from harvester.domain.errors import CursorConflict, InvalidInput, Unavailable
from harvester.domain.invoice import Invoice, PaymentRequest
from harvester.domain.money import Currency
from harvester.domain.payment import Transfer

MERCHANT: Final = "merchant"
COIN: Final = "coin"
TOKEN: Final = "token"
_RETRY_SECS: Final = 0.05


@dataclass
class MemoryChain:
    """Two assets, one merchant; the history of each asset is a list, its cursor the number of transfers read."""

    clock: Clock
    name: str = "memory"
    histories: dict[str, list[Transfer]] = field(default_factory=lambda: {COIN: [], TOKEN: []})
    """Of MERCHANT, by asset. Nobody else is ever paid."""
    recipient: str = MERCHANT
    assets: Sequence[str] = (COIN, TOKEN)
    watched: Watched = unwatched
    proof: str | None = None
    """What transfers are proven from."""

    def __post_init__(self) -> None:
        self._news = asyncio.Event()
        self._scanned_until: datetime | None = None

    def pay(self, amount: int, invoice_id: UUID | None = None, asset: str = COIN, payer: str = "payer") -> Transfer:
        """Make a transfer to the merchant now."""
        transfer = Transfer(
            tx_hash=uuid4().hex * 2,
            index=0,
            asset=asset,
            amount=amount,
            payer=payer,
            time=self.clock().replace(microsecond=0),
            invoice_id=invoice_id,
            reason=None if invoice_id else "no reference",
        )
        self.histories[asset].append(transfer)
        self._news.set()
        return transfer

    def account(self, asset: str = COIN, recipient: str = MERCHANT) -> Account:
        """Return where transfers of `asset` arrive."""
        return Account(self.name, f"{recipient}/{asset}", recipient, asset)

    def currencies(self) -> Sequence[Currency]:
        """See `harvester.chain.Adapter`."""
        known = [
            Currency("MEM", self.name, COIN, decimals=9, max_amount=2**120 - 1),
            Currency("TOK", self.name, TOKEN, decimals=6, max_amount=2**120 - 1),
        ]
        return [currency for currency in known if currency.asset in self.assets]

    def pay_to_address(self, currency: Currency) -> str:
        """See `harvester.chain.Adapter`."""
        del currency
        return self.recipient

    def payment_request(self, invoice: Invoice) -> PaymentRequest:
        """See `harvester.chain.Adapter`."""
        link = f"memory:{invoice.pay_to_address}?amount={invoice.amount}&id={invoice.id}"
        return PaymentRequest(links={"universal": link}, payload=invoice.id.hex, details={})

    def parse_address(self, text: str) -> str:
        """See `harvester.chain.Adapter`."""
        if not text.isidentifier():
            raise InvalidInput("an address of the memory chain is letters, digits and underscores")
        return text.lower()

    async def run(self, ledger: Ledger, stop: asyncio.Event) -> None:
        """See `harvester.chain.Adapter`."""
        with self.watched("memory scan") as pulse:
            while not stop.is_set():
                pulse.beat()
                self._news.clear()
                with suppress(CursorConflict, Unavailable):
                    await self._scan_all(ledger)
                    pulse.success()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), _RETRY_SECS)

    async def _scan_all(self, ledger: Ledger) -> None:
        for asset in self.assets:
            await self.scan(ledger, asset, recipient=self.recipient)
        for other in await ledger.further_destinations(self.name):
            await self.scan(ledger, other.asset, recipient=other.pay_to_address)

    async def scan(
        self, ledger: Ledger, asset: str = COIN, batch_size: int = MAX_BATCH_TRANSFERS, recipient: str = MERCHANT
    ) -> None:
        """Hand over everything that is new for `asset`, in batches."""
        account, now = self.account(asset, recipient), self.clock()
        history = self.histories[asset] if recipient == MERCHANT else []
        cursor = (await ledger.position(account)).cursor
        done = False
        while not done:
            start = int(cursor or 0)
            transfers = tuple(history[start : start + batch_size])
            done = start + len(transfers) == len(history)
            following = str(start + len(transfers))
            await ledger.record(Batch(account, transfers, cursor, following, now if done else None, self.proof))
            cursor = following
        self._scanned_until = now

    def health(self) -> Health:
        """See `harvester.chain.Adapter`."""
        return Health(self._scanned_until is not None, self.clock(), self._scanned_until)

    async def check(self) -> Sequence[Finding]:
        """See `harvester.chain.Adapter`."""
        return [Finding(True, "memory", "always there")]
