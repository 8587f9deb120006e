"""What one transaction does with orders and credit: tie payers to orders, enter credit, pay orders out of it.

Locks are taken in one order everywhere: the wallet or the account's cursor, references, payments, accounts of credit by
id, invoices by id. Whoever wants an account has it opened first, even if it is empty: two that race meet at its row.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from harvester.domain import account
from harvester.domain.errors import ActRefused, Unavailable
from harvester.domain.events import Event, EventType
from harvester.domain.invoice import CUSTOMER_PREFIX, Invoice
from harvester.domain.lifecycle import OPEN, Status
from harvester.domain.payment import Payment, Transfer
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.invoicing import new_event, next_event
from harvester.services.purse import Market, Purse
from harvester.storage import credit, events, invoices, links, orders
from harvester.storage.credit import AccountKind, Entry, EntryKind, Owner
from harvester.storage.database import Connection, Database
from harvester.storage.signals import Signals

HOUSE: Final = tuple(
    Owner(kind) for kind in (AccountKind.RECEIVED, AccountKind.SETTLED, AccountKind.NOTES, AccountKind.REFUNDED)
)


@dataclass(frozen=True, slots=True)
class Source:
    """What makes orders be paid."""

    cause: str
    """For people."""
    time: datetime
    """Chain time of the transfer, or the present if there is none: an order that ended before is not paid."""
    tx_hash: str | None = None
    proof: str | None = None
    """What the transfer was proven from."""


@dataclass
class Settling:
    """The work of one transaction. `finish` it before the commit; announce its `events` after."""

    connection: Connection
    chains: Chains
    now: datetime
    unpaid_life: timedelta
    events: list[Event] = field(default_factory=list)
    recorded: list[Payment] = field(default_factory=list)
    placed: list[Invoice] = field(default_factory=list)

    async def finish(self) -> None:
        """Store the events."""
        if self.events:
            await events.insert(self.connection, self.events)

    async def insert(self, order: Invoice, cause: str) -> None:
        """Store a new order with its first event, which is not among `events`.

        Raises:
            Unavailable: an invoice for it has just been made over the API; asking again finds it.
        """
        try:
            await invoices.insert(self.connection, order, new_event(order, self.chains, cause))
        except invoices.OrderTaken:
            raise Unavailable(f"an invoice for order {order.order_id} is being made: try again") from None
        self.placed.append(order)

    async def accounts(self, market: Market, owners: Iterable[Owner]) -> Purse:
        """Return these accounts and the house's, theirs locked, with their balances."""
        wanted = list(dict.fromkeys(owners))
        ids = await credit.accounts(self.connection, market.chain, market.asset, [*wanted, *HOUSE])
        balances = await credit.lock(self.connection, [ids[owner] for owner in wanted])
        return Purse(ids, dict(balances))

    async def enter(self, entries: Sequence[Entry], actor: str) -> None:
        """Enter movements of credit."""
        if entries:
            await credit.insert(self.connection, entries, actor, self.now)

    async def enter_one(self, entry: Entry, actor: str) -> int:
        """Enter a movement of credit; return its number."""
        return (await credit.insert(self.connection, [entry], actor, self.now))[0]

    async def claim(self, order: Invoice, address: str, cause: str) -> Invoice:
        """Tie the locked `order` to the owner of `address`; return it.

        Raises:
            ActRefused: it is neither unclaimed, nor waiting and the address linked to its customer before; or it has no
                customer.
        """
        customer_id = customer_of(order)
        linked = await links.is_linked(self.connection, order.chain, address, customer_id)
        claimed = account.claim(order, linked=linked, now=self.now, unpaid_life=self.unpaid_life)
        await links.link(self.connection, order.chain, address, customer_id, self.now, cause)
        return await self.change(order, claimed, cause, EventType.CLAIMED)

    async def pay_from(
        self, purse: Purse, giver: Owner, open_orders: Iterable[Invoice], source: Source
    ) -> Sequence[Invoice]:
        """Pay of the locked `open_orders` what `giver` can, one after the other; return those that are paid."""
        paid = account.pay_in_order(purse.balance(giver), open_orders, source.time)
        return [await self.settle(purse, order, {giver: order.shortfall}, source) for order in paid]

    async def pay_owed(
        self, purse: Purse, market: Market, address: str, source: Source, named: UUID | None = None
    ) -> Sequence[Invoice]:
        """Pay what customers of this address owe, and the order `named`, as far as its credit goes; return what is
        paid.
        """
        customers = await links.customers(self.connection, market.chain, address)
        giver = Owner(AccountKind.ADDRESS, address)
        if not (customers or named):
            return []
        owed = await orders.lock_owed(self.connection, customers, market.chain, market.asset, named)
        return await self.pay_from(purse, giver, owed, source)

    async def pay_one(self, purse: Purse, order: Invoice, source: Source) -> Invoice | None:
        """Pay the locked `order` from all accounts of the purse together; None: they cannot, or its time is over."""
        parts = account.pay_one(order, {owner: purse.balance(owner) for owner in sorted(purse.owners())})
        if parts is None or not account.queue([order], source.time):
            return None
        return await self.settle(purse, order, parts, source)

    async def give(self, house: Purse, order: Invoice, actor: str, reason: str | None) -> Invoice:
        """Settle the locked `order` from what the merchant grants; return it."""
        source, target = house.ids[Owner(AccountKind.NOTES)], house.ids[Owner(AccountKind.SETTLED)]
        entry = Entry(EntryKind.SETTLEMENT, source, target, order.shortfall, invoice_id=order.id, reason=reason)
        await self.enter([entry], actor)
        return await self.change(order, account.settle(order, _granted(order), self.now, self.now), actor)

    async def givers(self, market: Market, customer_id: str) -> Sequence[Owner]:
        """Return whose credit the customer may use: his addresses', the newest first, and his own."""
        addresses = await links.addresses(self.connection, market.chain, customer_id)
        owners = [Owner(AccountKind.ADDRESS, address) for address in addresses]
        return [*owners, Owner(AccountKind.CUSTOMER, customer_id)]

    async def change(self, before: Invoice, after: Invoice, cause: str, event_type: EventType | None = None) -> Invoice:
        """Write a locked order and tell of it; `event_type` None: that it came into its state. Return it.

        Nothing is written or told if nothing changes.
        """
        if after == before:
            return before
        after = next_event(after)
        await invoices.update(self.connection, [(before, after)])
        self.events.append(new_event(after, self.chains, cause, event_type))
        return after

    async def settle(self, purse: Purse, order: Invoice, parts: Mapping[Owner, int], source: Source) -> Invoice:
        """Enter that `parts`, base units by giver, have paid the locked `order`; return it. The first is who paid."""
        settled = purse.ids[Owner(AccountKind.SETTLED)]
        entries = [
            Entry(EntryKind.SETTLEMENT, purse.take(owner, part), settled, part, invoice_id=order.id)
            for owner, part in parts.items()
        ]
        await self.enter(entries, source.cause)
        giver = next(iter(parts))
        payer = giver.name if giver.kind is AccountKind.ADDRESS else CUSTOMER_PREFIX + giver.name
        paid = account.settle(order, payer, source.time, self.now, source.tx_hash, source.proof)
        return await self.change(order, paid, source.cause)


async def take_credit(
    settling: Settling,
    purse: Purse,
    market: Market,
    received: Sequence[tuple[int, Transfer]],
    named: UUID | None = None,
    proof: str | None = None,
) -> None:
    """Enter confirmed transfers that name no invoice as their senders' credit, and pay what is owed from there.

    `received`: ids of the payments, and their transfers in chain order. The senders' accounts are in `purse`. `named`:
    an order that is paid besides, because the transfer names it. `proof`: what the transfers were proven from.
    """
    origin = purse.ids[Owner(AccountKind.RECEIVED)]
    for payment_id, transfer in received:
        target = purse.add(Owner(AccountKind.ADDRESS, transfer.payer), transfer.amount)
        cause = f"chain:{transfer.tx_hash}"
        entry = Entry(EntryKind.PAYMENT, origin, target, transfer.amount, payment_id=payment_id)
        await settling.enter([entry], cause)
        source = Source(cause, transfer.time, transfer.tx_hash, proof)
        await settling.pay_owed(purse, market, transfer.payer, source, named)


@asynccontextmanager
async def settling_in(
    database: Database, chains: Chains, now: datetime, unpaid_life: timedelta, signals: Signals, metrics: Metrics
) -> AsyncIterator[Settling]:
    """Yield the work of a transaction; what it made is told of once that is committed."""
    async with database.transaction() as connection:
        settling = Settling(connection, chains, now, unpaid_life)
        yield settling
        await settling.finish()
    _announce(settling, signals, metrics)


async def lock_order(settling: Settling, invoice_id: UUID) -> Invoice:
    """Return an order that is known to be there, locked until the transaction ends."""
    return (await invoices.lock(settling.connection, [invoice_id]))[invoice_id]


def _announce(settling: Settling, signals: Signals, metrics: Metrics) -> None:
    """Wake whoever waits for the events of a transaction that is committed, and count."""
    for payment in settling.recorded:
        asset = settling.chains.asset_label(payment.chain, payment.asset)
        metrics.payments.labels(payment.chain, asset, payment.payment_class.value).inc()
    for order in settling.placed:
        metrics.transitions.labels(order.status.value).inc()
    metrics.count_transitions(settling.events)
    if settling.events or settling.placed:
        signals.publish("deliveries", "events")


async def claim_order(settling: Settling, found: Invoice, address: str, cause: str) -> Invoice:
    """Claim an order, which is locked now, for the owner of `address`, and pay it from there if it can; return it.

    Raises:
        ActRefused: it is neither unclaimed, nor waiting and the address linked to its customer before.
    """
    giver = Owner(AccountKind.ADDRESS, address)
    purse = await settling.accounts(Market(found.chain, found.asset), [giver])
    order = await lock_order(settling, found.id)
    claimed = await settling.claim(order, address, cause)
    if claimed is order:
        return order
    paid = await settling.pay_from(purse, giver, [claimed], Source(cause, settling.now))
    return paid[0] if paid else claimed


async def tie(settling: Settling, order: Invoice, cause: str, claimant: str | None) -> Invoice:
    """Let a locked order that a payer has named wait for him, if it is unclaimed; return it.

    `claimant`: the address whose owner has signed for it, and so belongs to its customer from now on. Money that only
    names an order ties nobody to its customer: it pays that order. What is closed stays as it is.
    """
    if claimant and order.customer_id is not None and order.status in OPEN:
        await links.link(settling.connection, order.chain, claimant, order.customer_id, settling.now, cause)
    if order.status is not Status.UNCLAIMED or settling.now > order.expires_at:
        return order
    claimed = account.claim(order, linked=False, now=settling.now, unpaid_life=settling.unpaid_life)
    return await settling.change(order, claimed, cause, EventType.CLAIMED)


def _granted(order: Invoice) -> str:
    return CUSTOMER_PREFIX + customer_of(order)


def customer_of(order: Invoice) -> str:
    """Return whose order it is.

    Raises:
        ActRefused: nobody's: it was made over the API without a customer.
    """
    if order.customer_id is None:
        raise ActRefused(f"order {order.order_id} is of no customer: no storefront placed it")
    return order.customer_id
