"""What can be told of a storefront, its buyers, their money and their merchant: all of it over HTTP, and signed.

The words: `ordered`, `claimed`, `paid` (reported by the hot wallet), `confirmed`; the merchant `granted`, `cancelled`,
`fulfilled`, `reassigned`. What has come of it is said by `then`. Amounts are in XTR. One daemon serves many stories:
each has numbers and buyers of its own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Final

from harvester.services.payments import By
from tests.e2e.eventually import eventually
from tests.e2e.shop import TOKEN
from tests.e2e.tari_shop import MICRO, Owner, Reply, TariShop
from tests.tari.stories.storefront import SECRET, Storefront, signed

UNCLAIMED, WAITING, PAID, CANCELLED, EXPIRED = "unclaimed", "waiting", "paid", "cancelled", "expired"
PLACED, CLAIMED, SETTLED = "invoice.created", "invoice.claimed", "invoice.paid"
RATES: Final = "/tonpay/private/api/v1/rates"
SHOP_HOST: Final = "10.0.0.5"
"""Where webhooks come from, by the word of a proxy on this machine."""
ME: Final = By("merchant", "for a test")
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


@dataclass(frozen=True)
class Order:
    """An order of the shop: its id is a number, its name another one after a #."""

    id: str
    number: int
    customer: int

    @property
    def name(self) -> str:
        return f"#{self.number}"


@dataclass
class Story:
    """One scenario."""

    shop: TariShop
    storefront: Storefront

    async def ordered(
        self,
        buyer: Buyer,
        xtr: float,
        signed_by: Owner | None = None,
        order: Order | None = None,
        **members: object,
    ) -> Order:
        """The buyer orders; the shop tells the daemon. `signed_by`: whose claim is in the note."""
        order = order or self.next_order(buyer)
        if signed_by:
            members["note"] = json.dumps(signed_by.claim(order.id))
        reply = await self.placed(order, f"{xtr:.2f}", **members)
        assert (reply.status, reply.json["message"]) == (200, "Order processed successfully."), reply.text
        return order

    def next_order(self, buyer: Buyer) -> Order:
        """Return an order that the buyer will make."""
        return Order(str(next(_next)), next(_next), buyer.customer)

    async def placed(
        self, order: Order, price: str, secret: str = SECRET, host: str = SHOP_HOST, **members: object
    ) -> Reply:
        """Send the shop's webhook, signed with `secret`, from `host`."""
        body, headers = signed(webhook(order, price, **members), secret)
        path = "/shopify/webhook/checkout_create"
        headers |= {"X-Forwarded-For": host}
        async with self.shop.session.post(path, data=body, headers=headers) as answer:
            return Reply(answer.status, answer.headers, await answer.text())

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
        issued = await self.shop.accounts.issue(str(buyer.customer), xtr * MICRO, "XTR", ME)
        return [str(order.order_id) for order in issued.paid]

    async def cancelled(self, order: Order) -> None:
        """The merchant cancels an open order."""
        await self.shop.invoicing.cancel((await self.shop.order(order.id)).id, "merchant")

    async def fulfilled(self, order: Order) -> None:
        """The merchant counts an open order as paid."""
        await self.shop.accounts.fulfil(order.id, ME)

    async def reassigned(self, order: Order, buyer: Buyer) -> None:
        """The merchant gives an order to another customer."""
        await self.shop.accounts.reassign(order.id, str(buyer.customer), ME)

    async def settled(self, buyer: Buyer) -> Sequence[str]:
        """The merchant has what the customer owes paid from what he has; return the ids of those orders."""
        paid = await self.shop.accounts.settle_customer(str(buyer.customer), "XTR", ME)
        return [str(order.order_id) for order in paid]

    async def rate(self, currency: str, price: str) -> None:
        """The merchant says what one XTR costs."""
        body = {"ticker": "XTR", "currency": currency, "rate": price}
        async with self.shop.session.post(RATES, json=body, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            assert answer.status in (200, 201), await answer.text()

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
        found_orders = {order: (await self.shop.order(order.id)).status.value for order in orders}
        found_left = {buyer: await self.balance(buyer.payer, str(buyer.customer)) for buyer in left}
        found_owed = {
            buyer: (await self.shop.accounts.show(str(buyer.customer), "XTR")).owed // MICRO for buyer in owed
        }
        assert (found_orders, found_left, found_owed) == (orders, left, owed)

    async def balance(self, *owners: str) -> int:
        """Return the credit of addresses and customers in XTR."""
        async with self.shop.database.connection() as connection:
            return int(await connection.fetchval(_BALANCE, list(owners))) // MICRO

    async def told(self, order: Order) -> list[str]:
        """Return the events of an order."""
        return await self.shop.events(order.id)

    async def captured(self, order: Order, amount: str) -> None:
        """The shop has been asked once to capture this."""

        async def has_been() -> bool:
            return order.id in self.storefront.captured

        await eventually(has_been, f"{order.id} is captured")
        assert self.storefront.captured[order.id] == [amount]

    async def called_off(self, order: Order) -> None:
        """The shop has been asked once to cancel this."""

        async def has_been() -> bool:
            return order.id in self.storefront.cancelled

        await eventually(has_been, f"{order.id} is cancelled")
        assert self.storefront.cancelled.count(order.id) == 1


def webhook(order: Order, price: str, **members: object) -> dict[str, object]:
    """Return what the shop says of an order; `members` replace some of it."""
    return {
        "id": int(order.id),
        "name": order.name,
        "customer": {"id": order.customer},
        "currency": "XTR",
        "total_price": price,
        "created_at": datetime.now().astimezone().isoformat(timespec="seconds"),
    } | members
