"""The desk on PostgreSQL: what plug-ins with routes of their own may do. Every method is one transaction."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from harvester.chain import Clock
from harvester.chain.desk import Badge, Lives, OrderDraft, Placed, Reported, Wallet
from harvester.domain.errors import ActRefused, NotFound
from harvester.domain.invoice import Invoice
from harvester.domain.lifecycle import Status
from harvester.domain.payment import Payment, PaymentClass, Transfer
from harvester.metrics import Metrics
from harvester.services.chains import Chains
from harvester.services.ordering import difference, new_order
from harvester.services.payment_events import confirmed_event, recorded_events
from harvester.services.purse import Market
from harvester.services.settling import Settling, Source, claim_order, lock_order, settling_in, take_credit, tie
from harvester.storage import credit, invoices, links, orders, payments, wallets
from harvester.storage.credit import AccountKind, Owner
from harvester.storage.database import Database
from harvester.storage.signals import Signals

_PLACED: Final = "storefront"


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """Implements `harvester.chain.desk.Desk` for one plug-in."""

    database: Database
    chains: Chains
    clock: Clock
    signals: Signals
    metrics: Metrics
    chain: str
    """Where claims and reports are about."""
    lives: Lives
    strict: bool = True
    """Whether people and payments name orders by their ids only, not by their second names."""

    def tickers(self) -> Sequence[str]:
        """See `harvester.chain.desk.Desk.tickers`."""
        return [currency.ticker for currency in self.chains.currencies()]

    async def place_order(self, draft: OrderDraft) -> Placed:
        """See `harvester.chain.desk.Desk.place_order`."""
        names = [draft.order_id, *([draft.alt_id] if draft.alt_id else [])]
        async with self._settling() as settling:
            connection = settling.connection
            await orders.lock_references(connection, names)
            if known := await orders.taken(connection, draft.order_id, draft.alt_id):
                return Placed(await self._same(settling, known, draft), new=False)
            order = await new_order(connection, self.chains, draft, settling.now, self.lives)
            await settling.insert(order, _PLACED)
            return Placed(await self._find_payer(settling, order, draft, names), new=True)

    async def claim(self, order_id: str, address: str, cause: str) -> Invoice:
        """See `harvester.chain.desk.Desk.claim`."""
        async with self._settling() as settling:
            order = await self._find(settling, order_id)
            if order.chain != self.chain:
                raise ActRefused(f"order {order.order_id} is paid on another chain")
            return await claim_order(settling, order, address, cause)

    async def report(self, transfer: Transfer, badge: Badge) -> Reported:
        """See `harvester.chain.desk.Desk.report`."""
        async with self._settling() as settling:
            connection = settling.connection
            await wallets.take(connection, badge)
            if transfer.order_reference is not None:
                await orders.lock_references(connection, [transfer.order_reference])
            known = await payments.lock_by_transfer(connection, self.chain, transfer.tx_hash, transfer.index)
            if known:
                _check_same(known, transfer)
                return Reported(known.id, new=False)
            account = self.chains.pushed_account(self.chain, transfer.asset)
            classed = [(transfer, PaymentClass.CREDIT, transfer.reason, None)]
            ids = await payments.insert(connection, account, classed, None, settling.now)
            payment = await payments.get(connection, ids[transfer.tx_hash, transfer.index])
            if payment is None:
                raise NotFound("the payment is gone")
            settling.events += recorded_events(payment)
            if transfer.order_reference is not None:
                await self._tie(settling, transfer)
            settling.recorded.append(payment)
            return Reported(payment.id, new=True)

    async def confirm(self, tx_hash: str, index: int, badge: Badge) -> Reported:
        """See `harvester.chain.desk.Desk.confirm`."""
        async with self._settling() as settling:
            connection, cause = settling.connection, f"chain:{tx_hash}"
            await wallets.take(connection, badge)
            payment = await payments.lock_by_transfer(connection, self.chain, tx_hash, index)
            if payment is None:
                raise NotFound("no such payment was reported")
            if payment.confirmed:
                return Reported(payment.id, new=False)
            await payments.confirm(connection, payment.id, settling.now, cause)
            market = Market(payment.chain, payment.asset)
            purse = await settling.accounts(market, [Owner(AccountKind.ADDRESS, payment.payer)])
            transfer = Transfer(tx_hash, index, payment.asset, payment.amount, payment.payer, settling.now)
            reference = payment.order_reference
            named = await orders.find(connection, reference, strict=self.strict) if reference else None
            await take_credit(settling, purse, market, [(payment.id, transfer)], named)
            settling.events.append(confirmed_event(payment, settling.now))
            return Reported(payment.id, new=True)

    async def order(self, order_id: str) -> Invoice | None:
        """See `harvester.chain.desk.Desk.order`."""
        async with self.database.connection() as connection:
            return await orders.get(connection, order_id, strict=self.strict)

    async def wallets(self) -> Sequence[Wallet]:
        """See `harvester.chain.desk.Desk.wallets`."""
        async with self.database.connection() as connection:
            return await wallets.all_wallets(connection, self.chain)

    async def _find(self, settling: Settling, order_id: str) -> Invoice:
        order = await orders.get(settling.connection, order_id, strict=self.strict)
        if order is None:
            raise NotFound(f"there is no order {order_id}")
        return order

    async def _same(self, settling: Settling, known: Sequence[UUID], draft: OrderDraft) -> Invoice:
        """Return the order that was placed before, if it is this one."""
        stored = await invoices.lock(settling.connection, sorted(known))
        for order in stored.values():
            if differs := difference(order, draft):
                raise ActRefused(f"order {order.order_id} exists with another {differs}")
        return next(iter(stored.values()))

    async def _find_payer(self, settling: Settling, order: Invoice, draft: OrderDraft, names: Sequence[str]) -> Invoice:
        """Tie a new order to who signed for it, named it with money, or has credit as its customer, and pay it."""
        connection, market = settling.connection, _market(order)
        claimed_by = draft.claimed_by or self.chains.find_claimant(order)
        named_by = await orders.named_by(connection, order.chain, names[:1] if self.strict else names)
        ours = await links.addresses(connection, order.chain, draft.customer_id)
        signers = [claimed_by, *(claimant for _, claimant in named_by)]
        namers = [address for payer, claimant in named_by for address in (claimant, payer)]
        candidates = dict.fromkeys(address for address in [claimed_by, *namers, *ours] if address)
        own = Owner(AccountKind.CUSTOMER, draft.customer_id)
        givers = [*(Owner(AccountKind.ADDRESS, address) for address in candidates), own]
        purse = await settling.accounts(market, givers)
        for claimant in dict.fromkeys(signers):
            if claimant or named_by:
                order = await tie(settling, order, _PLACED, claimant)
        his = [own, *(Owner(AccountKind.ADDRESS, address) for address in ours)]
        if await credit.have_gained(connection, [purse.ids[each] for each in his]):
            order = await tie(settling, order, _PLACED, None)
        if order.status is Status.WAITING:
            for giver in givers:
                if paid := await settling.pay_from(purse, giver, [order], Source(_PLACED, settling.now)):
                    return paid[0]
        return order

    async def _tie(self, settling: Settling, transfer: Transfer) -> None:
        found = await orders.find(settling.connection, transfer.order_reference or "", strict=self.strict)
        if found is None:
            return  # the reference stays with the payment: the order may come later
        order = await lock_order(settling, found)
        if (order.chain, order.asset) == (self.chain, transfer.asset) and settling.now <= order.expires_at:
            await tie(settling, order, f"chain:{transfer.tx_hash}", transfer.claimant)

    def _settling(self) -> AbstractAsyncContextManager[Settling]:
        now = self.clock()
        return settling_in(self.database, self.chains, now, self.lives.unpaid, self.signals, self.metrics)


def _market(order: Invoice) -> Market:
    return Market(order.chain, order.asset)


def _check_same(known: Payment, transfer: Transfer) -> None:
    before = (known.asset, known.amount, known.payer, known.order_reference)
    if before != (transfer.asset, transfer.amount, transfer.payer, transfer.order_reference):
        raise ActRefused(f"payment {known.id} of this transaction is known with another content")
