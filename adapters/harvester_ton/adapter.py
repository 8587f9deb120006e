"""The TON adapter: what it takes, how an invoice is paid, and the tasks that scan the merchant's accounts."""

import asyncio
import random
from collections.abc import Coroutine, Iterator, Sequence
from functools import lru_cache, partial
from typing import Final

import structlog

from harvester.chain import Account, AdapterContext, Destination, Finding, Health, Ledger
from harvester.domain.errors import ChainUnavailable
from harvester.domain.invoice import ByHand, Invoice, PaymentRequest
from harvester.domain.money import Currency
from harvester.domain.payment import Transfer
from harvester_ton.address import parse_address
from harvester_ton.believing import BelievingSource
from harvester_ton.cells import Cell
from harvester_ton.decoding import COINS, decode_coins, decode_jetton, jetton_asset
from harvester_ton.further import LABEL, scan_further
from harvester_ton.history import Decode
from harvester_ton.jettons import ContractUnfit, JettonWallet, NotTheWallet
from harvester_ton.links import PaymentLinks
from harvester_ton.merchant_key import adnl_address
from harvester_ton.metrics import TonMetrics
from harvester_ton.network_config import NetworkConfig, fetch_network_config
from harvester_ton.node import Patience
from harvester_ton.payload import InvoicePayload
from harvester_ton.pool import Pool
from harvester_ton.proving import ProvingSource
from harvester_ton.sealing import MetadataSealer
from harvester_ton.settings import PROOFS, Jetton, TonSettings
from harvester_ton.source import Source
from harvester_ton.start import Start
from harvester_ton.status import MAX_BEHIND, AccountStatus, Insistence, news
from harvester_ton.trust import ChainOfTrust
from harvester_ton.watcher import Trust, Watcher, trust_always

NAME: Final = "ton"
COIN_DECIMALS: Final = 9
MAX_AMOUNT: Final = (1 << 120) - 1
"""VarUInteger 16: what one message can carry, of coins and of jettons alike."""
UNVERIFIED: Final = "its wallet is known by the word of lite servers alone: no TVM runs here"
CLOCK_BEHIND: Final = "this host's clock is behind the chain: new invoices end too early"
_JETTON: Final = jetton_asset("")

_log = structlog.get_logger(__name__)


class TonAdapter:
    """Implements `harvester.chain.Adapter` for TON, with lite servers as the source."""

    name = NAME

    def __init__(self, settings: TonSettings, context: AdapterContext, patience: Patience = Patience()) -> None:  # noqa: B008 # it is a value
        self._settings = settings
        self._clock = context.clock
        self._metrics = TonMetrics(context.registry)
        self._pool = Pool(self._metrics, patience)
        self._proves = settings.verify == PROOFS
        self._watched = context.watched
        self._trust = ChainOfTrust(self._pool, self._metrics, context.watched)
        self._source = self._make_source()
        tickers = [settings.ton_ticker, *(jetton.ticker for jetton in settings.jettons)]
        self._metrics.add_accounts(tickers)
        self._statuses = [AccountStatus(ticker, self._metrics) for ticker in tickers]
        self._config = Insistence("network config")
        key = settings.key.get_secret_value() if settings.key else None
        self._payload = InvoicePayload(adnl_address(key) if key else None)
        self._sealer = MetadataSealer(key) if key else None
        self._links = lru_cache(maxsize=1024)(self._make_links)

    def currencies(self) -> Sequence[Currency]:
        """See `harvester.chain.Adapter`."""
        coins = Currency(self._settings.ton_ticker, NAME, COINS, COIN_DECIMALS, MAX_AMOUNT)
        jettons = (
            Currency(jetton.ticker, NAME, jetton_asset(jetton.master), jetton.decimals, MAX_AMOUNT)
            for jetton in self._settings.jettons
        )
        return [coins, *jettons]

    def pay_to_address(self, currency: Currency) -> str:
        """See `harvester.chain.Adapter`. Jettons, too, are sent to the wallet itself."""
        del currency
        return self._settings.recipient

    def payment_request(self, invoice: Invoice) -> PaymentRequest:
        """See `harvester.chain.Adapter`."""
        payload = self._payload.base64(invoice.id)
        links = self._links(invoice.pay_to_address, invoice.asset)
        details: dict[str, object] = {}
        connect: dict[str, object] | None = None
        if invoice.asset == COINS:
            connect = {"messages": [{"address": links.address, "amount": str(invoice.amount), "payload": payload}]}
        else:
            # No transaction to connect: jettons are sent by the payer's own jetton wallet, which is not known here.
            details["jetton_info"] = {"address": invoice.asset.removeprefix(_JETTON), "decimals": invoice.decimals}
        made = links.make(payload, invoice.amount, int(invoice.expires_at.timestamp()))
        return PaymentRequest(made, payload, details, ByHand(links.address, str(invoice.id)), connect)

    def parse_address(self, text: str) -> str:
        """See `harvester.chain.Adapter`."""
        return parse_address(text)

    def sealer(self) -> MetadataSealer | None:
        """See `harvester.chain.SealingAdapter`."""
        return self._sealer

    async def run(self, ledger: Ledger, stop: asyncio.Event) -> None:
        """See `harvester.chain.Adapter`. A batch that is being recorded when `stop` is set is finished."""
        if not self._proves:
            _log.warning("Lite servers are believed without proof (VERIFY=none)")
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._serve(ledger), name="ton lite servers")]
            tasks += [group.create_task(scan, name="ton scan") for scan in self._scans(ledger)]
            tasks.append(group.create_task(self._look_further(ledger), name="ton further scans"))
            await stop.wait()
            for task in tasks:
                task.cancel()

    def health(self) -> Health:
        """See `harvester.chain.Adapter`."""
        head, scanned = self._pool.head_time, [status.scanned_until for status in self._statuses]
        reasons = [] if self._pool.usable() else [self._config.trouble or self._pool.trouble()]
        reasons += [self._trust.trouble] if self._trust.trouble else []
        if head is not None and self._clock() - head > MAX_BEHIND:
            reasons.append(
                f"the newest block is of {head:%Y-%m-%d %H:%M:%S} UTC: none came since, or this host's clock is ahead"
            )
        reasons += [f"{status.ticker}: {reason}" for status in self._statuses if (reason := status.lacks(head))]
        known = [until for until in scanned if until is not None]
        notes = [f"{status.ticker}: {UNVERIFIED}" for status in self._statuses if status.unverified]
        if head is not None and head - self._clock() > MAX_BEHIND:
            notes.append(CLOCK_BEHIND)
        return Health(not reasons, head, min(known) if len(known) == len(scanned) else None, (*reasons, *notes))

    async def check(self) -> Sequence[Finding]:
        """See `harvester.chain.Adapter`."""
        from harvester_ton.check import check  # noqa: PLC0415 # only the command needs it

        return await check(self._settings, self._network, self._metrics)

    def _make_source(self) -> Source:
        if self._proves:
            return ProvingSource(self._pool, self._trust, self._metrics)
        return BelievingSource(self._pool)

    async def _serve(self, ledger: Ledger) -> None:
        """Keep lite servers connected and blocks proven, learning first which servers there are."""
        with self._watched("ton lite servers") as pulse:
            self._config.pulse = pulse
            network = await self._config.insist(self._network)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pool.run(network.servers, pulse=pulse), name="ton lite servers")
                if self._proves and network.anchor is not None:
                    group.create_task(self._trust.run(network.anchor, ledger), name="ton chain of trust")

    async def _network(self) -> NetworkConfig:
        """Return the lite servers to use and the block to trust.

        Raises:
            ChainUnavailable: the network config cannot be fetched, or lacks what is needed.
        """
        config, servers = self._settings.network_config, self._settings.lite_servers
        if isinstance(config, str) and (self._proves or not servers):
            config = await fetch_network_config(config)
        if not isinstance(config, NetworkConfig):
            return NetworkConfig(servers, None)
        if self._proves and config.anchor is None:
            raise ChainUnavailable("the network config names no block to trust: VERIFY=proofs needs one")
        listed = random.SystemRandom().sample(config.servers, len(config.servers))  # all installations know this list
        return NetworkConfig(servers or tuple(listed), config.anchor)

    def _scans(self, ledger: Ledger) -> Iterator[Coroutine[None, None, None]]:
        coins, *jettons = self._statuses
        recipient = self._settings.recipient
        yield self._scan_coins(recipient, coins, ledger)
        for jetton, status in zip(self._settings.jettons, jettons, strict=True):
            yield self._scan_jetton(recipient, jetton, status, ledger)

    async def _look_further(self, ledger: Ledger) -> None:
        with self._watched("ton further scans") as pulse:
            await scan_further(NAME, ledger, partial(self._scan_further, ledger=ledger), pulse)

    async def _scan_further(self, destination: Destination, ledger: Ledger) -> None:
        status, recipient = AccountStatus(LABEL, self._metrics), destination.pay_to_address
        if destination.asset == COINS:
            await self._scan_coins(recipient, status, ledger)
        else:
            jetton = Jetton(LABEL, 0, destination.asset.removeprefix(_JETTON))
            await self._scan_jetton(recipient, jetton, status, ledger)

    async def _scan_coins(self, recipient: str, status: AccountStatus, ledger: Ledger) -> None:
        account = Account(NAME, recipient, recipient, COINS)
        with self._watched(f"ton scan {status.ticker}") as status.pulse:
            await self._watcher(status, account, lambda root: decode_coins(root, recipient).transfers, ledger).run()

    async def _scan_jetton(self, recipient: str, jetton: Jetton, status: AccountStatus, ledger: Ledger) -> None:
        wallet = JettonWallet(jetton, recipient, self._source)

        async def scan() -> None:
            block = await news(self._source.newer(0))
            if block is None:
                return
            address = await wallet.find(block)
            status.mark(unverified=self._proves and not self._source.methods_proven)
            account = Account(NAME, address, recipient, jetton_asset(jetton.master))
            decode = partial(_decode_jetton, address, recipient, jetton.master)
            try:
                await self._watcher(status, account, decode, ledger, partial(wallet.trust, address)).run()
            except NotTheWallet as error:
                raise ContractUnfit(str(error)) from None

        with self._watched(f"ton scan {status.ticker}") as status.pulse:
            while True:
                await status.insist(scan)

    def _watcher(
        self, status: AccountStatus, account: Account, decode: Decode, ledger: Ledger, trust: Trust = trust_always
    ) -> Watcher:
        return Watcher(status, account, decode, self._source, ledger, Start(self._settings.start_lt), trust)

    def _make_links(self, pay_to_address: str, asset: str) -> PaymentLinks:
        master = None if asset == COINS else asset.removeprefix(_JETTON)
        return PaymentLinks(self._settings.payment_prefixes, pay_to_address, master)


def _decode_jetton(wallet: str, recipient: str, master: str, root: Cell) -> Sequence[Transfer]:
    return decode_jetton(root, wallet, recipient, master).transfers
