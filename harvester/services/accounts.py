"""What the merchant does with orders and credit: look, grant, settle, tie, fulfil, give an order to another customer.

Every change is one transaction with its events; locks are taken in the order that `settling` names.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta

from harvester.chain import Clock
from harvester.domain.account import queue
from harvester.domain.acts import By
from harvester.domain.errors import ActRefused, InvalidInput, NotFound
from harvester.domain.events import EventType
from harvester.domain.identifiers import merchant_text
from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import OPEN, Status
from harvester.domain.money import Currency
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.idempotency import Once, kept
from harvester.services.purse import Market, Purse
from harvester.services.settling import Settling, Source, claim_order, customer_of, lock_order, settling_in
from harvester.storage import credit, links, orders
from harvester.storage.credit import AccountKind, Entry, EntryKind, Owner, Statement, StatementLine
from harvester.storage.database import Connection, Database
from harvester.storage.signals import Signals


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as the merchant sees him, in one currency."""

    customer_id: str
    currency: Currency
    own: Statement
    """What the merchant granted him."""
    addresses: Sequence[tuple[str, Statement]]
    """His addresses, the newest first; one that serves several customers counts for each."""
    owed: int
    """Base units of his open orders."""

    @property
    def balance(self) -> int:
        """All that he has."""
        return self.own.balance + sum(statement.balance for _, statement in self.addresses)


@dataclass(frozen=True, slots=True)
class Issued:
    """A credit note, and what it paid for."""

    number: int
    customer_id: str
    amount: int
    """Base units; negative if they were taken away."""
    currency: Currency
    paid: Sequence[Invoice]
    """Orders that are paid now."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Orders and credit as the merchant manages them. All methods may raise Unavailable."""

    database: Database
    chains: Chains
    clock: Clock
    signals: Signals
    metrics: Metrics
    unpaid_life: timedelta
    strict: bool = True
    """Whether orders are named by their ids only, not by their second names."""

    async def issue(
        self, customer_id: str, amount: int, ticker: str, by: By, once: Once["Issued"] | None = None
    ) -> "Issued":
        """Grant the customer `amount` base units, or take as much away if it is negative.

        What he owes is paid from all that he has, order by order, as far as it goes. His own account may become
        negative.

        Raises:
            InvalidInput: the amount is 0 or too large, the id or the ticker not allowed.
        """
        currency = self.chains.currency(ticker)
        if not 0 < abs(amount) <= currency.max_amount:
            raise InvalidInput(f"amount must be 1 … {currency.max_amount} base units of {ticker}, or as much negative")
        owner = Owner(AccountKind.CUSTOMER, merchant_text(customer_id, "customer_id"))
        async with self._settling() as settling:
            market = Market(currency.chain, currency.asset)
            purse = await settling.accounts(market, await settling.givers(market, customer_id))
            notes = purse.ids[Owner(AccountKind.NOTES)]
            target = purse.add(owner, amount)
            source, target = (notes, target) if amount > 0 else (target, notes)
            entry = Entry(EntryKind.NOTE, source, target, abs(amount), reason=by.reason)
            number = await settling.enter_one(entry, by.actor)
            paid = await self._settle(settling, purse, market, customer_id, by.actor)
            issued = Issued(number, customer_id, amount, currency, paid)
            return await kept(once, settling.connection, issued, settling.now)

    async def settle_customer(
        self, customer_id: str, ticker: str, by: By, once: Once[Sequence[Invoice]] | None = None
    ) -> Sequence[Invoice]:
        """Pay what the customer owes from all that he has, order by order; return the orders that are paid now.

        Raises:
            InvalidInput: the id or the ticker is not allowed.
        """
        currency = self.chains.currency(ticker)
        merchant_text(customer_id, "customer_id")
        market = Market(currency.chain, currency.asset)
        async with self._settling() as settling:
            purse = await settling.accounts(market, await settling.givers(market, customer_id))
            paid = await self._settle(settling, purse, market, customer_id, by.cause)
            return await kept(once, settling.connection, paid, settling.now)

    async def link(
        self, customer_id: str, address: str, ticker: str, by: By, once: Once[Sequence[Invoice]] | None = None
    ) -> Sequence[Invoice]:
        """Tie `address` (any form) to the customer, to whom the merchant knows that it belongs: from now on money from
        there pays what he owes. What it has pays at once, as far as it goes; return the orders that are paid now.
        Repeated it ties nothing anew.

        Raises:
            InvalidInput: the id or the ticker is not allowed, or it is no address of the currency's chain.
        """
        currency = self.chains.currency(ticker)
        merchant_text(customer_id, "customer_id")
        canonical = self.chains.parse_address(currency.chain, address)
        market = Market(currency.chain, currency.asset)
        async with self._settling() as settling:
            purse = await settling.accounts(market, [Owner(AccountKind.ADDRESS, canonical)])
            await links.link(settling.connection, market.chain, canonical, customer_id, settling.now, by.cause)
            source = Source(by.cause, settling.now)
            paid = await settling.pay_owed(purse, market, canonical, source)
            return await kept(once, settling.connection, paid, settling.now)

    async def claim(self, order_id: str, address: str, by: By, once: Once[Invoice] | None = None) -> Invoice:
        """Tie an order to the owner of `address` (any form), who the merchant knows is its customer; it is paid from
        there if it can. Return it. Repeated for a linked address it changes nothing.

        Raises:
            NotFound: there is no such order.
            InvalidInput: it is no address of the order's chain.
            ActRefused: the order is not unclaimed, or of no customer.
        """
        async with self._settling() as settling:
            found = await self._find(settling, order_id)
            canonical = self.chains.parse_address(found.chain, address)
            order = await claim_order(settling, found, canonical, by.cause)
            return await kept(once, settling.connection, order, settling.now)

    async def fulfil(self, order_id: str, by: By, once: Once[Invoice] | None = None) -> Invoice:
        """Count the open order as paid by the merchant's grace: nobody's balance changes. Return it.

        Raises:
            NotFound: there is no such order.
            ActRefused: it is closed, or of no customer.
        """
        async with self._settling() as settling:
            found = await self._find(settling, order_id)
            house = await settling.accounts(Market(found.chain, found.asset), [])
            order = await lock_order(settling, found.id)
            if order.status not in OPEN:
                raise ActRefused(f"order {order_id} is {order.status}: only an open one can be fulfilled")
            paid = await settling.give(house, order, by.actor, by.reason)
            return await kept(once, settling.connection, paid, settling.now)

    async def reassign(self, order_id: str, customer_id: str, by: By, once: Once[Invoice] | None = None) -> Invoice:
        """Give an order to another customer, who pays a waiting one at once if he can; return it.

        Raises:
            NotFound: there is no such order.
            ActRefused: it is paid, his already, or of no customer.
            InvalidInput: the customer's id is not allowed.
        """
        merchant_text(customer_id, "customer_id")
        async with self._settling() as settling:
            found = await self._find(settling, order_id)
            market = Market(found.chain, found.asset)
            purse = await settling.accounts(market, await settling.givers(market, customer_id))
            order = await lock_order(settling, found.id)
            if order.status is Status.PAID:
                raise ActRefused(f"order {order_id} is paid: it stays with its customer")
            if order.customer_id == customer_id:
                raise ActRefused(f"order {order_id} is of customer {customer_id} already")
            moved = replace(order, customer_id=customer_id, updated_at=settling.now)
            order = await settling.change(order, moved, by.cause, EventType.MODIFIED)
            if order.status is Status.WAITING:
                order = await settling.pay_one(purse, order, Source(by.actor, settling.now)) or order
            return await kept(once, settling.connection, order, settling.now)

    async def show(self, customer_id: str, ticker: str) -> Customer:
        """Return what there is of a customer; of one that is not known, nothing but zeros.

        Raises:
            InvalidInput: the id or the ticker is not allowed.
        """
        currency = self.chains.currency(ticker)
        merchant_text(customer_id, "customer_id")
        async with self.database.connection() as connection:
            addresses = await links.addresses(connection, currency.chain, customer_id)
            owners = [Owner(AccountKind.CUSTOMER, customer_id)]
            owners += [Owner(AccountKind.ADDRESS, address) for address in addresses]
            statements = await credit.statements(connection, currency.chain, currency.asset, owners)
            owed = await orders.owed(connection, [customer_id], currency.chain, currency.asset)
        own, *others = (statements[owner] for owner in owners)
        return Customer(customer_id, currency, own, list(zip(addresses, others, strict=True)), owed)

    async def history(
        self, owner: Owner, ticker: str, limit: int, before: int | None = None
    ) -> Sequence[StatementLine]:
        """Return at most `limit` (1 … 1000) movements of an address, or of a customer: of what he was granted, and of
        all his addresses. The newest come first, those before number `before`.

        Raises:
            InvalidInput: the limit, the owner's id or the ticker is not allowed.
        """
        merchant_text(owner.name, owner.kind)
        if not 1 <= limit <= 1000:
            raise InvalidInput("limit must be from 1 to 1000")
        currency = self.chains.currency(ticker)
        async with self.database.connection() as connection:
            owners = [owner]
            if owner.kind is AccountKind.CUSTOMER:
                addresses = await links.addresses(connection, currency.chain, owner.name)
                owners += [Owner(AccountKind.ADDRESS, address) for address in addresses]
            return await credit.history(connection, currency.chain, currency.asset, owners, limit, before)

    async def order(self, order_id: str) -> Invoice:
        """Return an order by its id.

        Raises:
            NotFound: there is none.
        """
        async with self.database.connection() as connection:
            return await self._get(connection, order_id)

    async def _settle(
        self, settling: Settling, purse: Purse, market: Market, customer_id: str, cause: str
    ) -> Sequence[Invoice]:
        source = Source(cause, settling.now)
        owed = await orders.lock_owed(settling.connection, [customer_id], market.chain, market.asset)
        paid = [await settling.pay_one(purse, order, source) for order in queue(owed, settling.now)]
        return [order for order in paid if order]

    async def _get(self, connection: Connection, order_id: str) -> Invoice:
        order = await orders.get(connection, order_id, strict=self.strict)
        if order is None:
            raise NotFound(f"there is no order {order_id}")
        return order

    async def _find(self, settling: Settling, order_id: str) -> Invoice:
        order = await self._get(settling.connection, order_id)
        customer_of(order)
        return order

    def _settling(self) -> AbstractAsyncContextManager[Settling]:
        now = self.clock()
        return settling_in(self.database, self.chains, now, self.unpaid_life, self.signals, self.metrics)
