"""What the merchant does with orders, credit and wallets, over the private API. Amounts are in XTR."""

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from tests.e2e.shop import TOKEN
from tests.e2e.tari_shop import MICRO, Reply, TariShop

_PRIVATE: Final = "/tonpay/private/api/v1"


@dataclass(frozen=True)
class Merchant:
    """Has a token that may do everything."""

    shop: TariShop

    async def act(self, order_id: str, what: str, **members: str) -> Reply:
        """Cancel, fulfil or reassign an order."""
        return await self._ask("POST", f"orders/{quote(order_id)}/{what}", {"reason": "for a test"} | members)

    async def issue(self, customer_id: str, xtr: int) -> list[str]:
        """Issue a credit note; return the ids of the orders that it paid."""
        note = {"customer_id": customer_id, "amount": str(xtr * MICRO), "currency": "XTR", "reason": "for a test"}
        return [order["order_id"] for order in (await self._done("POST", "credit", note))["paid"]]

    async def settle(self, customer_id: str) -> list[str]:
        """Have what a customer owes paid from what he has; return the ids of the orders that are paid now."""
        body = {"currency": "XTR", "reason": "for a test"}
        return [
            order["order_id"] for order in (await self._done("POST", f"customers/{customer_id}/settle", body))["paid"]
        ]

    async def owed(self, customer_id: str) -> int:
        """Return what a customer owes for open orders."""
        return int((await self._done("GET", f"customers/{customer_id}?currency=XTR"))["owed"]) // MICRO

    async def status(self, order_id: str) -> str:
        """Return the status of an order; one that is unclaimed is shown as waiting, with a mark."""
        order = await self.order(order_id)
        return "unclaimed" if order.get("unclaimed") else str(order["status"])

    async def order(self, order_id: str) -> Any:
        """Return an order."""
        return await self._done("GET", f"orders/{quote(order_id)}")

    async def rate(self, currency: str, price: str) -> None:
        """Say what one XTR costs."""
        await self._done("POST", "rates", {"ticker": "XTR", "currency": currency, "rate": price})

    async def wallets(self) -> dict[str, Any]:
        """Return the wallets that may report, by address."""
        return {each["address"]: each for each in (await self._done("GET", "wallets/tari"))["wallets"]}

    async def add_wallet(self, address: str, ip_address: str, nonce: int) -> Reply:
        """Let a wallet report."""
        body = {"address": address, "ip_address": ip_address, "last_nonce": str(nonce)}
        return await self._ask("POST", "wallets/tari", body)

    async def remove_wallet(self, address: str) -> Reply:
        """Let it report no more."""
        return await self._ask("DELETE", f"wallets/tari/{address}")

    async def _done(self, method: str, path: str, body: object = None) -> Any:
        reply = await self._ask(method, path, body)
        assert reply.status in (200, 201), reply.text
        return reply.json

    async def _ask(self, method: str, path: str, body: object = None) -> Reply:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        return await self.shop.ask(method, f"{_PRIVATE}/{path}", data, headers)
