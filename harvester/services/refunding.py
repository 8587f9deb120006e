"""Credit that is sent back: it goes from its sender's account to where refunds go."""

from datetime import datetime

from harvester.domain.errors import ActRefused
from harvester.domain.payment import Payment
from harvester.storage import credit
from harvester.storage.credit import AccountKind, Entry, EntryKind, Owner
from harvester.storage.database import Connection


async def take_back(connection: Connection, payment: Payment, actor: str, reason: str | None, now: datetime) -> None:
    """Take the credit that `payment`, which is locked, gave its sender from there.

    Raises:
        ActRefused: there is none yet, or not so much any more.
    """
    if not payment.confirmed:
        raise ActRefused(f"payment {payment.id} is not confirmed: there is nothing yet that could be refunded")
    sender, refunded = Owner(AccountKind.ADDRESS, payment.payer), Owner(AccountKind.REFUNDED)
    ids = await credit.accounts(connection, payment.chain, payment.asset, [sender, refunded])
    balances = await credit.lock(connection, [ids[sender]])
    left = balances[ids[sender]]
    if left < payment.amount:
        raise ActRefused(
            f"payment {payment.id} cannot be refunded: of {payment.amount} base units its sender has {left} left, "
            "the rest has paid for orders"
        )
    entry = Entry(EntryKind.REFUND, ids[sender], ids[refunded], payment.amount, payment.id, reason=reason)
    await credit.insert(connection, [entry], actor, now)
