"""The Tari adapter. Its chain is not read here: a hot wallet, which reads it, reports payments over HTTP."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from harvester.chain import Finding, Health, Ledger
from harvester.domain.invoice import Invoice, PaymentRequest
from harvester.domain.money import Currency
from harvester_tari.address import parse_address
from harvester_tari.amounts import DECIMALS, MAX_AMOUNT_MICRO, TICKER
from harvester_tari.settings import TariSettings

NAME: Final = "tari"
ASSET: Final = "xtr"


class TariAdapter:
    """Implements `harvester.chain.Adapter` for Tari."""

    name = NAME

    def __init__(self, settings: TariSettings) -> None:
        self._settings = settings

    def currencies(self) -> Sequence[Currency]:
        """See `harvester.chain.Adapter`."""
        return [Currency(TICKER, NAME, ASSET, DECIMALS, MAX_AMOUNT_MICRO)]

    def pay_to_address(self, currency: Currency) -> str:
        """See `harvester.chain.Adapter`. In full: without its view key, a dual address could not be paid."""
        del currency
        return str(self._settings.tpg_payment_wallet_address)

    def payment_request(self, invoice: Invoice) -> PaymentRequest:
        """See `harvester.chain.Adapter`."""
        return PaymentRequest({NAME: f"{_link_start(invoice.pay_to_address)}{invoice.amount}"}, None, {})

    def parse_address(self, text: str) -> str:
        """See `harvester.chain.Adapter`: the name of the payer (`Address.payer`), under which credit is kept."""
        return parse_address(text, self._settings.network).payer

    async def run(self, ledger: Ledger, stop: asyncio.Event) -> None:
        """See `harvester.chain.Adapter`. There is nothing to scan: payments come in by the adapter's routes."""
        del ledger
        await stop.wait()

    def health(self) -> Health:
        """See `harvester.chain.Adapter`."""
        return Health(ready=True, head_time=None, scanned_until=None)

    async def check(self) -> Sequence[Finding]:
        """See `harvester.chain.Adapter`."""
        wallet = self._settings.tpg_payment_wallet_address
        return [Finding(True, "TPG_PAYMENT_WALLET_ADDRESS", f"{wallet} on {wallet.network.label}")]


@lru_cache(maxsize=64)
def _link_start(pay_to_address: str) -> str:
    network = parse_address(pay_to_address).network.label
    return f"tari://{network}/transactions/send?tariAddress={pay_to_address}&amount="
