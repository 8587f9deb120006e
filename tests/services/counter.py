"""A storefront, a hot wallet and payers at one desk, on a real database."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from uuid import uuid4

from harvester.chain.desk import Badge, Lives, OrderDraft, Placed, Reported, Wallet
from harvester.domain.invoice import Invoice
from harvester.domain.payment import Transfer
from harvester.services.accounts import Accounts
from harvester.services.desk import OrderDesk
from harvester.storage import wallets
from tests.memory_chain import COIN
from tests.services.conftest import Shop

WALLET = "hot_wallet"
HOST = "192.168.1.100"
LIVES = Lives(unclaimed=timedelta(hours=2), unpaid=timedelta(hours=48))


@dataclass
class Counter:
    """A storefront, a hot wallet and payers, at one desk."""

    shop: Shop
    strict: bool = True
    nonces: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        shop = self.shop
        services = (shop.database, shop.chains, shop.clock, shop.signals, shop.metrics)
        self.desk = OrderDesk(*services, chain=shop.chain.name, lives=LIVES, strict=self.strict)
        self.accounts = Accounts(*services, unpaid_life=LIVES.unpaid, strict=self.strict)

    async def open(self) -> "Counter":
        async with self.shop.database.transaction() as connection:
            await wallets.add(connection, Wallet(self.shop.chain.name, WALLET, HOST, 0), self.shop.clock())
        return self

    def badge(self, nonce: int | None = None, ip_address: str | None = HOST) -> Badge:
        return Badge(self.shop.chain.name, WALLET, next(self.nonces) if nonce is None else nonce, ip_address)

    async def badge_of(self, wallet: str) -> Badge:
        """Return the first badge of a new wallet: it waits for no other."""
        async with self.shop.database.transaction() as connection:
            await wallets.add(connection, Wallet(self.shop.chain.name, wallet, HOST, 0), self.shop.clock())
        return Badge(self.shop.chain.name, wallet, 1, HOST)

    async def place(
        self,
        order_id: str,
        customer_id: str,
        price: int,
        alt_id: str | None = None,
        claimed_by: str | None = None,
        created_at: datetime | None = None,
    ) -> Placed:
        amount = Decimal(price).scaleb(-9)
        created_at = created_at or self.shop.clock()
        draft = OrderDraft(order_id, customer_id, "MEM", amount, "MEM", created_at, alt_id, claimed_by=claimed_by)
        return await self.desk.place_order(draft)

    async def pay(
        self,
        payer: str,
        amount: int,
        order: str | None = None,
        tx_hash: str | None = None,
        wallet: str | None = None,
        signs: bool = False,
    ) -> Transfer:
        tx_hash = tx_hash or uuid4().hex
        now = self.shop.clock()
        claimant = payer if signs else None
        transfer = Transfer(
            tx_hash, 0, COIN, amount, payer, now, order_reference=order, claimant=claimant, provisional=True
        )
        await self.desk.report(transfer, await self.badge_of(wallet) if wallet else self.badge())
        return transfer

    async def confirm(self, transfer: Transfer) -> Reported:
        return await self.desk.confirm(transfer.tx_hash, 0, self.badge())

    async def confirm_number(self, tx_hash: str, wallet: str) -> Reported:
        return await self.desk.confirm(tx_hash, 0, await self.badge_of(wallet))

    async def status(self, order_id: str) -> str:
        order = await self.desk.order(order_id)
        assert order
        return order.status.value

    async def claim(self, order_id: str, address: str) -> Invoice:
        return await self.desk.claim(order_id, address, "claim")

    async def balance(self, owner: str) -> int:
        rows = await self.shop.rows(
            """SELECT coalesce(sum(CASE WHEN to_account = a.id THEN amount ELSE -amount END), 0) AS balance
            FROM credit_entries JOIN credit_accounts AS a ON a.id IN (from_account, to_account) WHERE a.owner = $1""",
            owner,
        )
        return int(rows[0]["balance"])

    async def types(self, order_id: str) -> list[str]:
        order = await self.desk.order(order_id)
        assert order
        return [kind for _, kind in await self.shop.events(order.id)]
