"""What can be told of a storefront, its buyers, their money and their merchant: all of it over HTTP, and signed.

The words: `ordered`, `claimed`, `paid` (reported by the hot wallet), `confirmed`; the merchant `granted`, `cancelled`,
`fulfilled`, `reassigned`. What has come of it is said by `then`. Amounts are in XTR. One daemon serves many stories:
each has numbers and buyers of its own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType
from typing import Any, Final

from tests.e2e.eventually import eventually
from tests.e2e.tari_shop import MICRO, Owner, Reply, TariShop
from tests.shopify.admin_server import AdminServer
from tests.tari.stories.merchant import Merchant
from tests.tari.stories.storefront import CHECKOUT, SECRET, Order, signed, webhook

UNCLAIMED, WAITING, PAID, CANCELLED, EXPIRED = "unclaimed", "waiting", "paid", "cancelled", "expired"
PLACED, CLAIMED, SETTLED = "invoice.created", "invoice.claimed", "invoice.paid"
NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
SHOP_HOST: Final = "10.0.0.5"
"""Where webhooks come from, by the word of a proxy on this machine."""
_BALANCE: Final = """
SELECT coalesce(sum(CASE WHEN to_account = a.id THEN amount ELSE -amount END), 0)
FROM credit_entries JOIN credit_accounts AS a ON a.id IN (from_account, to_account) WHERE a.owner = ANY ($1::text[])
"""
_EARLIER: Final = """
UPDATE invoices SET created_at = created_at - $2::integer * interval '1 hour',
    claimed_at = claimed_at - $2::integer * interval '1 hour',
    expires_at = expires_at - $2::integer * interval '1 hour'
WHERE order_id = $1
"""
_next: Final = count(10_000_000)


@dataclass(frozen=True)
class Buyer(Owner):
    """Somebody with a key and an account in the shop."""

    customer: int = field(default_factory=lambda: next(_next))


@dataclass
class Story:
    """What happens at one daemon, of a shop."""

    shop: TariShop
    admin: AdminServer

    @property
    def merchant(self) -> Merchant:
        """Who runs the shop."""
        return Merchant(self.shop)

    async def ordered(
        self,
        buyer: Buyer,
        xtr: int,
        signed_by: Owner | None = None,
        order: Order | None = None,
        says: Mapping[str, object] = NOTHING,
    ) -> Order:
        """The buyer orders; the shop tells the daemon. `signed_by`: whose claim is in the note."""
        order = order or self.next_order(buyer)
        note = {"note": json.dumps(signed_by.claim(order.id))} if signed_by else {}
        reply = await self.placed(order, f"{xtr}.00", {**says, **note})
        assert (reply.status, reply.json["message"]) == (200, "Order processed successfully."), reply.text
        return order

    def next_order(self, buyer: Buyer) -> Order:
        """Return an order that the buyer will make."""
        return Order(str(next(_next)), next(_next), buyer.customer)

    async def placed(
        self,
        order: Order,
        price: str,
        says: Mapping[str, object] = NOTHING,
        secret: str = SECRET,
        host: str = SHOP_HOST,
    ) -> Reply:
        """Send the shop's webhook, signed with `secret`, from `host`."""
        self.admin.order(order.id)
        body, headers = signed(webhook(order, price, says), secret)
        return await self.shop.ask("POST", CHECKOUT, body, headers | {"X-Forwarded-For": host})

    async def claimed(self, order: Order, owner: Owner) -> dict[str, Any]:
        """The owner of an address signs for an order; return what he is shown."""
        reply = await self.shop.claim(owner, order.id)
        assert reply.status == 200, reply.text
        shown: dict[str, Any] = reply.json
        return shown

    async def paid(self, payer: Owner, xtr: int, memo: str | None = None, order_id: str | None = None) -> str:
        """The hot wallet sees money come; return the transaction's id."""
        txid = f"tx{next(_next)}"
        reply = await self.shop.report(payer, xtr, txid, memo, order_id)
        assert (reply.status, reply.json["success"]) == (200, True), reply.text
        return txid

    async def confirmed(self, *txids: str) -> None:
        """The hot wallet says that it is final."""
        for txid in txids:
            reply = await self.shop.confirm(txid)
            assert reply.json == {"success": True, "message": f"Payment {txid} confirmed successfully."}

    async def pays(self, payer: Owner, xtr: int, memo: str | None = None, order_id: str | None = None) -> None:
        """Money comes and is final."""
        await self.confirmed(await self.paid(payer, xtr, memo, order_id))

    async def granted(self, buyer: Buyer, xtr: int) -> Sequence[str]:
        """The merchant issues a credit note; return the ids of the orders that it paid."""
        return await self.merchant.issue(str(buyer.customer), xtr)

    async def settled(self, buyer: Buyer) -> Sequence[str]:
        """The merchant has paid what the buyer owes from what he has; return the ids of those orders."""
        return await self.merchant.settle(str(buyer.customer))

    async def cancelled(self, order: Order) -> int:
        """The merchant cancels an order; return the status of the answer."""
        return (await self.merchant.act(order.id, "cancel")).status

    async def fulfilled(self, order: Order) -> int:
        """The merchant counts an order as paid; return the status of the answer."""
        return (await self.merchant.act(order.id, "fulfil")).status

    async def reassigned(self, order: Order, buyer: Buyer) -> int:
        """The merchant gives an order to another customer; return the status of the answer."""
        return (await self.merchant.act(order.id, "reassign", customer_id=str(buyer.customer))).status

    async def hours_pass(self, hours: int, *orders: Order) -> None:
        """Make as if these orders had been made so much earlier."""
        async with self.shop.database.connection() as connection:
            for order in orders:
                await connection.execute(_EARLIER, order.id, hours)

    async def is_looked_through(self) -> None:
        """The daemon looks which orders are over, as it does at its start and every minute."""
        await self.shop.daemon.restart()

    async def then(
        self,
        orders: Mapping[Order, str] | None = None,
        left: Mapping[Buyer, int] | None = None,
        owed: Mapping[Buyer, int] | None = None,
    ) -> None:
        """Orders are in these states, buyers have so much credit left and owe so much for open orders."""
        orders, left, owed = orders or {}, left or {}, owed or {}
        found_orders = {order: await self.merchant.status(order.id) for order in orders}
        found_left = {buyer: await self.balance(buyer.payer, str(buyer.customer)) for buyer in left}
        found_owed = {buyer: await self.merchant.owed(str(buyer.customer)) for buyer in owed}
        assert (found_orders, found_left, found_owed) == (orders, left, owed)

    async def balance(self, *owners: str) -> int:
        """Return the credit of addresses and customers in XTR, whether they are linked or not."""
        async with self.shop.database.connection() as connection:
            return int(await connection.fetchval(_BALANCE, list(owners))) // MICRO

    async def told(self, order: Order) -> list[str]:
        """Return the events of an order."""
        return await self.shop.events(order.id)

    async def captured(self, order: Order, amount: str) -> None:
        """The shop has been asked once to capture this."""

        async def has_been() -> bool:
            return bool(self.admin.orders[order.id].captures())

        await eventually(has_been, f"{order.id} is captured")
        assert [each["amount"] for each in self.admin.orders[order.id].captures()] == [amount]

    async def called_off(self, order: Order) -> None:
        """The shop has been asked to cancel this."""

        async def has_been() -> bool:
            return self.admin.orders[order.id].cancelled_at is not None

        await eventually(has_been, f"{order.id} is cancelled")
