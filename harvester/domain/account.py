"""Who may pay what: orders, the addresses of customers, and credit. All the rules of it are here.

Words:
- An order is an invoice with an `order_id`. It is `unclaimed` until an address is tied to its customer, then `waiting`.
- A link says that an address belongs to a customer. An address may serve several customers, a customer have several.
- Credit is confirmed money of an address, or of a customer (what the merchant granted), that has paid for nothing yet.
  It is never reserved; it pays all that is missing of an order, or nothing.

Which order is paid first: `queue`. From where:
- `pay_in_order`, when money comes to one address: all open orders of the customers linked to it, one after the other,
  from that address alone, no further than the first that is too dear: cheap new orders do not starve a dear old one.
- `pay_one`, when an order is looked at by itself (credit was granted, somebody asks to settle, it got another
  customer): from all accounts of its customer, the largest balance first, each once. What they cannot pay together,
  less what one of them is in debt with, is left out, and the next one looked at.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from harvester.domain.errors import ActRefused
from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import OPEN, Status, Trigger, transition

UNCLAIMED_LIFE: Final = timedelta(hours=2)
UNPAID_LIFE: Final = timedelta(hours=48)

_Giver = TypeVar("_Giver", bound=Hashable)


def queue(orders: Iterable[Invoice], at: datetime) -> list[Invoice]:
    """Return which of `orders` can be paid by money of the time `at`, in the order in which they are.

    Waiting comes before unclaimed, then the oldest, then the lower id.
    """
    still_open = (order for order in orders if order.status in OPEN and at <= order.expires_at)
    return sorted(still_open, key=lambda order: (order.status is not Status.WAITING, order.created_at, order.id))


def pay_in_order(balance: int, orders: Iterable[Invoice], at: datetime) -> list[Invoice]:
    """Return which of `orders` an address pays that has `balance` base units, in the order in which it does.

    An address in debt pays nothing, not even what is free.
    """
    paid = []
    for order in queue(orders, at):
        if order.shortfall > balance:
            break
        balance -= order.shortfall
        paid.append(order)
    return paid


def pay_one(order: Invoice, balances: Mapping[_Giver, int]) -> Mapping[_Giver, int] | None:
    """Return how many base units each of those with `balances` gives to pay `order`; None: they cannot.

    The largest balance gives first; of equal ones that which comes first. What is free takes nothing, from one of them.
    What they have in all, debts taken off, must be enough: to pay leaves no customer in debt.
    """
    givers = sorted((giver for giver in balances if balances[giver] >= 0), key=lambda giver: -balances[giver])
    if not givers or sum(balances.values()) < order.shortfall:
        return None
    parts, due = {}, order.shortfall
    for giver in givers:
        parts[giver] = min(balances[giver], due)
        due -= parts[giver]
        if not due:
            break
    return parts


def claim(order: Invoice, *, linked: bool, now: datetime, unpaid_life: timedelta) -> Invoice:
    """Return `order` as it is once the owner of an address has claimed it: it waits for `unpaid_life` from `now` on.

    `linked`: whether that address belonged to its customer before. Then a waiting order is returned as it is.

    Raises:
        ActRefused: it is not unclaimed, or its life has ended.
    """
    if order.status is Status.WAITING and linked:
        return order
    if now > order.expires_at:
        raise ActRefused(f"the life of order {order.order_id} has ended")
    if order.status is not Status.UNCLAIMED:
        raise ActRefused(f"order {order.order_id} is {order.status}: only one that is unclaimed can be claimed")
    return replace(
        order,
        status=transition(order.status, Trigger.CLAIM),
        claimed_at=now,
        expires_at=now + unpaid_life,
        updated_at=now,
    )


def settle(
    order: Invoice,
    payer: str,
    paid_at: datetime,
    now: datetime,
    tx_hash: str | None = None,
    proof: str | None = None,
) -> Invoice:
    """Return the open `order` as paid, in what was missing, from the credit of `payer`.

    `tx_hash`: of the transfer that completed it; `proof`: what that was proven from.

    Raises:
        TransitionRefused: it is closed.
    """
    return replace(
        order,
        status=transition(order.status, Trigger.SETTLE),
        paid_by=payer,
        paid_at=paid_at,
        tx_hash=tx_hash,
        proof=proof,
        credited=order.shortfall,
        updated_at=now,
    )
