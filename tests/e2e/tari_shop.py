"""A storefront, a hot wallet and buyers of a daemon that takes Tari: orders at the desk, all else over HTTP, signed."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp
from prometheus_client import CollectorRegistry

from harvester.chain import AdapterContext
from harvester.chain.desk import Lives, OrderDraft, Placed
from harvester.clock import utc_now
from harvester.domain.invoice import Invoice
from harvester.metrics import Metrics
from harvester.services.accounts import Accounts
from harvester.services.chains import Chains
from harvester.services.desk import OrderDesk
from harvester.services.invoicing import Invoicing
from harvester.services.wallets import Wallets
from harvester.storage.database import Database
from harvester.storage.signals import Signals
from harvester_tari.address import Address, Network
from harvester_tari.claims import Claim
from harvester_tari.plugin import plugin
from harvester_tari.schnorr import SecretKey
from harvester_tari.wallet_messages import IncomingPayment, TxConfirmation, WalletMessage
from tests.e2e.api_contract import Contract
from tests.e2e.daemon import Daemon
from tests.e2e.shop import TOKEN

HOST: Final = "192.168.1.100"
"""Where the hot wallet is, by the word of a proxy on this machine."""
MICRO: Final = 1_000_000
LIVES: Final = Lives(unclaimed=timedelta(hours=2), unpaid=timedelta(hours=48))
RATE: Final = 30
"""Claims per minute that a stranger has."""


@dataclass(frozen=True)
class Reply:
    """An answer, which is one that the daemon's own description names."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Owner:
    """Somebody with a key."""

    key: SecretKey = field(default_factory=SecretKey.generate)

    @property
    def address(self) -> Address:
        return Address(Network.MAINNET, 3, self.key.public_key)

    @property
    def payer(self) -> str:
        return self.address.payer

    def claim(self, order_id: str) -> dict[str, object]:
        """Sign for an order."""
        return Claim.sign(self.key, self.address, order_id).to_members()


@dataclass(frozen=True)
class HotWallet(Owner):
    """Somebody who reports payments, with nonces of his own."""

    nonces: "count[int]" = field(default_factory=lambda: count(1))

    def payment(
        self, sender: Owner, xtr: int, txid: str, memo: str | None = None, order_id: str | None = None
    ) -> dict[str, object]:
        """Return the message that a payment has come."""
        content = IncomingPayment(sender.address, xtr * MICRO, txid, memo, order_id)
        return WalletMessage.sign(self.key, self.address, next(self.nonces), content).to_members()

    def confirmation(self, txid: str) -> dict[str, object]:
        """Return the message that it is final."""
        return WalletMessage.sign(self.key, self.address, next(self.nonces), TxConfirmation(txid)).to_members()


@dataclass(frozen=True)
class TariShop:
    """Everything that tests need of a running daemon."""

    daemon: Daemon
    session: aiohttp.ClientSession
    database: Database
    chains: Chains
    contract: Contract
    wallet: HotWallet

    async def place(
        self, order_id: str, customer_id: str, xtr: int, note: str | None = None, age: timedelta = timedelta(0)
    ) -> Invoice:
        """Place an order, which came in `age` ago."""
        placed = await self.place_draft(
            OrderDraft(order_id, customer_id, "XTR", Decimal(xtr), "XTR", utc_now() - age, note=note), age
        )
        return placed.invoice

    async def place_draft(self, draft: OrderDraft, age: timedelta = timedelta(0)) -> Placed:
        desk = OrderDesk(*self._services(age), chain="tari", lives=LIVES)
        return await desk.place_order(draft)

    @property
    def accounts(self) -> Accounts:
        """What the merchant may do."""
        return Accounts(*self._services(), unpaid_life=LIVES.unpaid)

    @property
    def invoicing(self) -> Invoicing:
        """What he may do to any invoice."""
        return Invoicing(*self._services())

    async def order(self, order_id: str) -> Invoice:
        """Return an order as it is now."""
        return await self.accounts.order(order_id)

    async def events(self, order_id: str) -> list[str]:
        """Return what has happened to an order."""
        order = await self.order(order_id)
        async with self.database.connection() as connection:
            rows = await connection.fetch("SELECT type FROM events WHERE invoice_id = $1 ORDER BY sequence", order.id)
        return [row["type"] for row in rows]

    async def count(self, table: str) -> int:
        """Return how many rows a table has."""
        async with self.database.connection() as connection:
            return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 - names are ours

    async def authorise(self, wallet: HotWallet, ip_address: str = HOST, nonce: int = 0) -> HotWallet:
        """Let a wallet report."""
        await self.wallets.add("tari", str(wallet.address), ip_address, nonce, "test")
        return wallet

    @property
    def wallets(self) -> Wallets:
        """Who may report."""
        return Wallets(self.database, self.chains, utc_now)

    async def last_nonce(self, wallet: Address) -> int:
        """Return the nonce that was taken last."""
        return next(each.last_nonce for each in await self.wallets.list("tari") if each.address == wallet.payer)

    async def claim(self, owner: Owner, order_id: str) -> Reply:
        """Claim an order."""
        return await self.post("/order/claim", owner.claim(order_id))

    async def report(
        self, sender: Owner, xtr: int, txid: str, memo: str | None = None, order_id: str | None = None
    ) -> Reply:
        """Tell of a payment, as the hot wallet."""
        return await self.tell("incoming_payment", self.wallet.payment(sender, xtr, txid, memo, order_id))

    async def confirm(self, txid: str) -> Reply:
        """Tell that it is final."""
        return await self.tell("tx_confirmation", self.wallet.confirmation(txid))

    async def tell(self, what: str, message: Mapping[str, object], host: str = HOST) -> Reply:
        """Send a wallet's message from `host`."""
        return await self.post(f"/wallet/{what}", message, {"X-Forwarded-For": host})

    async def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
        """Send JSON, or bytes as if they were."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.ask("POST", path, data, {"Content-Type": "application/json", **(headers or {})})

    async def ask(
        self, method: str, path: str, data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request."""
        async with self.session.request(method, path, data=data, headers=headers) as answer:
            body = await answer.read()
            self.contract.check(method, path, answer.status, answer.headers, body)
            return Reply(answer.status, answer.headers, body.decode())

    def _services(self, age: timedelta = timedelta(0)) -> tuple[Database, Chains, Any, Signals, Metrics]:
        metrics = Metrics(CollectorRegistry(), "test")
        return self.database, self.chains, lambda: utc_now() - age, Signals(self.database), metrics


def settings(database_uri: str, paid: Owner, **more: str) -> dict[str, str]:
    """Return what the daemon is told."""
    return {
        "CHAINS": "tari",
        "POSTGRES_URI": database_uri,
        "TOKEN": TOKEN,
        "TPG_PAYMENT_WALLET_ADDRESS": str(paid.address),
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "PUBLIC_RATE": str(RATE),
    } | more


@asynccontextmanager
async def open_tari_shop(
    database_uri: str, folder: Path, wallet: HotWallet | None = None, **more: str
) -> AsyncIterator[TariShop]:
    """Yield a daemon on this database; what it takes is paid to its hot wallet."""
    wallet = wallet or HotWallet()
    told = settings(database_uri, wallet, **more)
    daemon = Daemon(told, folder)
    try:
        await daemon.start_ready()
        async with open_shop_of(daemon, wallet) as shop:
            await shop.authorise(wallet)
            yield shop
    finally:
        await daemon.kill()


@asynccontextmanager
async def open_shop_of(daemon: Daemon, wallet: HotWallet) -> AsyncIterator[TariShop]:
    """Yield what tests need of a daemon that is ready."""
    told = daemon.settings
    environ = {name: value for name, value in told.items() if name in plugin.variables}
    chains = Chains([plugin.build(AdapterContext(utc_now, CollectorRegistry(), environ))])
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database.open(told["POSTGRES_URI"]))
        session = await stack.enter_async_context(aiohttp.ClientSession(daemon.url))
        async with session.get("/openapi.json") as answer:
            contract = Contract(await answer.json())
        yield TariShop(daemon, session, database, chains, contract, wallet)
