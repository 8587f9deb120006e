"""What happens in the demo: an order is claimed and paid; another one was paid before it was made."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any, Final

import aiohttp

from harvester_demo.asking import answer_of
from harvester_demo.daemon import DaemonProcess
from harvester_demo.folder import run_folder
from harvester_tari.amounts import CHAIN, DECIMALS, TICKER, render_amount
from harvester_tari.demo.people import HotWallet, Owner
from harvester_tari.demo.shop import CURRENCY, Shop

PRIVATE: Final = "/tonpay/private/api/v1"
USD_PER_XTR: Final = Decimal("0.1")
_HERE: Final = "127.0.0.1"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """Everything that runs, and everybody who acts."""

    shop: Shop
    daemon: DaemonProcess
    api: aiohttp.ClientSession
    token: str
    wallet: HotWallet
    say: Say
    alice: Owner = field(default_factory=lambda: Owner("alice"))
    bob: Owner = field(default_factory=lambda: Owner("bob"))

    async def authorise_wallet(self) -> None:
        """Let the hot wallet tell of payments, and say what coins cost."""
        wallet = {"address": str(self.wallet.address), "ip_address": _HERE}
        await self.ask("POST", f"/wallets/{CHAIN}", wallet)
        await self.ask("POST", "/rates", {"currency": CURRENCY, "rate": str(USD_PER_XTR), "ticker": TICKER})
        self.say(f"wallet    {self.wallet.address} may tell of payments from {_HERE}")

    async def order(self, order_id: str, customer_id: int, price: str, note: str | None = None) -> None:
        """Let the shop make an order."""
        await self.shop.place(self.api, order_id, customer_id, price, note)
        self.say(f"order     {order_id} over {price} {CURRENCY}, which is {render_amount(price_micro(price))}")

    async def claim(self, buyer: Owner, order_id: str) -> None:
        """Let a buyer sign for an order."""
        claimed = await answer_of(self.api.post("/order/claim", json=buyer.claim(order_id)))
        self.say(f"claim     {buyer.name} signs for it: {claimed['status']}, to be paid until {claimed['expires_at']}")

    async def pay(self, buyer: Owner, price: str) -> None:
        """Let the hot wallet see a buyer's payment, first unconfirmed, then final."""
        amount_micro, txid = price_micro(price), token_hex(8)
        payment = self.wallet.payment(buyer, amount_micro, txid)
        await answer_of(self.api.post("/wallet/incoming_payment", json=payment))
        self.say(f"payment   {render_amount(amount_micro)} of {buyer.name}'s have come; they count once they are final")
        await answer_of(self.api.post("/wallet/tx_confirmation", json=self.wallet.confirmation(txid)))
        self.say("confirmed they are final")

    async def captured(self, order_id: str, buyer: Owner) -> dict[str, Any]:
        """Wait until the shop has its money, and return the order as the daemon shows it."""
        capture = await self.shop.captured(order_id)
        order = await self.ask("GET", f"/orders/{order_id}")
        whose = f"{buyer.name}'s money" if order["paid_by"] == buyer.address.payer else order["paid_by"]
        self.say(f"{order['status']:9} order {order_id}, with {whose}")
        self.say(f"captured  {capture['amount']} {capture['currency']} in the shop")
        return order | {"captured": capture}

    async def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Ask the merchant's side of the API."""
        bearer = {"Authorization": f"Bearer {self.token}"}
        return await answer_of(self.api.request(method, PRIVATE + path, json=body, headers=bearer))


@asynccontextmanager
async def set_up(data_path: Path, say: Say) -> AsyncIterator[Stage]:
    """Yield everything started, the daemon perhaps not ready yet; stop it from the last to the first in the end.

    Raises:
        ConfigurationError: `data_path` cannot be used.
        Unavailable: the daemon does not start.
    """
    wallet, token = HotWallet("hot wallet"), token_urlsafe(24)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(run_folder(data_path))
        shop = await stack.enter_async_context(Shop.open())
        settings = {
            "CHAINS": CHAIN,
            "DATA_DIR": str(folder),
            "TOKEN": token,
            "PORT": "0",
            "METRICS": f"{_HERE}:0",
            "TPG_PAYMENT_WALLET_ADDRESS": str(wallet.address),
            **shop.settings,
        }
        daemon = await stack.enter_async_context(DaemonProcess.open(settings, folder))
        api = await stack.enter_async_context(aiohttp.ClientSession(daemon.url))
        yield Stage(shop, daemon, api, token, wallet, say)


async def play(stage: Stage) -> dict[str, Any]:
    """Wait for the daemon, then let it all happen; return what came of it, as `--once` prints it.

    Raises:
        Unavailable: the daemon refuses something.
    """
    await stage.daemon.ready()
    await stage.authorise_wallet()
    stage.say("\nAn order, a claim, a payment")
    await stage.order("1001", 1, "24.00")
    await stage.claim(stage.alice, "1001")
    await stage.pay(stage.alice, "24.00")
    claimed_first = await stage.captured("1001", stage.alice)
    stage.say("\nPaying first, ordering later")
    await stage.pay(stage.bob, "30.00")
    await stage.order("1002", 2, "24.00", note=json.dumps(stage.bob.claim("1002")))
    paid_first = await stage.captured("1002", stage.bob)
    customer = await stage.ask("GET", f"/customers/2?currency={TICKER}")
    stage.say(f"credit    {render_amount(int(customer['balance']))} are left, for what {stage.bob.name} orders next")
    return {"claimed_first": claimed_first, "paid_first": paid_first, "customer": customer}


def price_micro(price: str) -> int:
    """Return what a price comes to in µT."""
    return int((Decimal(price) / USD_PER_XTR).scaleb(DECIMALS))
