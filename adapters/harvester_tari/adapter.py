"""The Tari adapter. Its chain is not read here: a hot wallet, which reads it, reports payments over HTTP."""

import asyncio
from collections.abc import Iterator, Sequence
from functools import lru_cache

from aiohttp import web

from harvester.chain import AdapterContext, Destination, Finding, Health, Ledger
from harvester.chain.desk import Desk
from harvester.domain.invoice import Invoice, PaymentRequest
from harvester.domain.money import Currency
from harvester_tari.address import parse_address
from harvester_tari.amounts import ASSET, CHAIN, DECIMALS, MAX_AMOUNT_MICRO, TICKER
from harvester_tari.claims import find_claimant
from harvester_tari.expiry import INTERVAL_SECS, Expiry
from harvester_tari.payers import parse_payer
from harvester_tari.routes import TariRoutes
from harvester_tari.settings import TariSettings


class TariAdapter:
    """Implements `harvester.chain.Adapter` for Tari."""

    name = CHAIN

    def __init__(self, settings: TariSettings, context: AdapterContext, interval_secs: float = INTERVAL_SECS) -> None:
        """Build it; `interval_secs`: how often orders are looked for whose time is over."""
        self._settings = settings
        self._clock = context.clock
        self._watched = context.watched
        self._pay_to_address = str(settings.tpg_payment_wallet_address)
        self._expiry = Expiry(Destination(self._pay_to_address, ASSET), context.clock, interval_secs)

    def currencies(self) -> Sequence[Currency]:
        """See `harvester.chain.Adapter`."""
        return [Currency(TICKER, CHAIN, ASSET, DECIMALS, MAX_AMOUNT_MICRO)]

    def pay_to_address(self, currency: Currency) -> str:
        """See `harvester.chain.Adapter`. In full: without its view key, a dual address could not be paid."""
        del currency
        return self._pay_to_address

    def payment_request(self, invoice: Invoice) -> PaymentRequest:
        """See `harvester.chain.Adapter`. The form of the link is that of RFC-0154 of Tari; its amount is in µT."""
        return PaymentRequest({CHAIN: f"{_link_start(invoice.pay_to_address)}{invoice.amount}"}, None, {})

    def parse_address(self, text: str) -> str:
        """See `harvester.chain.Adapter`: the name of the payer, under which credit is kept (`payers`)."""
        return parse_payer(text, self._settings.network)

    def find_claimant(self, note: str, order_id: str) -> str | None:
        """See `harvester.chain.ClaimingAdapter`."""
        claimant = find_claimant(note, order_id, self._settings.network)
        return claimant.payer if claimant else None

    def routes(self, desk: Desk) -> Sequence[web.RouteDef]:
        """Return the routes of payers and wallets, who come to `desk`."""
        return TariRoutes(self._settings, desk, self._clock).routes()

    async def run(self, ledger: Ledger, stop: asyncio.Event) -> None:
        """See `harvester.chain.Adapter`. Payments come in by the routes, in whatever process; here orders expire."""
        with self._watched("tari expiry") as pulse:
            await self._expiry.run(ledger, stop, pulse)

    def health(self) -> Health:
        """See `harvester.chain.Adapter`. The chain itself is not looked at."""
        expiry = self._expiry
        ready = expiry.trouble is None and expiry.ended_until is not None
        reasons = () if ready else (expiry.trouble or "orders have not been looked through yet",)
        return Health(ready, None, expiry.ended_until, reasons)

    async def check(self) -> Sequence[Finding]:
        """See `harvester.chain.Adapter`. Nothing is connected: wallets come by themselves."""
        return list(self._findings())

    def _findings(self) -> Iterator[Finding]:
        settings, wallet = self._settings, self._settings.tpg_payment_wallet_address
        yield Finding(True, "TPG_PAYMENT_WALLET_ADDRESS", f"{wallet} on {wallet.network.label}")
        if settings.tpg_disable_wallet_whitelist:
            yield Finding(True, "TPG_DISABLE_WALLET_WHITELIST", "wallets may report from any IP address")
        if settings.tpg_disable_memo_signature_check:
            yield Finding(
                True, "TPG_DISABLE_MEMO_SIGNATURE_CHECK", "memos are believed although nobody has signed them"
            )


@lru_cache(maxsize=64)
def _link_start(pay_to_address: str) -> str:
    network = parse_address(pay_to_address).network.label
    return f"tari://{network}/transactions/send?tariAddress={pay_to_address}&amount="
