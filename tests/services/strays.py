"""Payments that count for no invoice, and what is told of them."""

from uuid import UUID

from harvester.domain.acts import By
from harvester.domain.invoice import Invoice
from harvester.domain.payment import Payment
from harvester.storage.payments import PaymentFilter
from tests.memory_chain import COIN
from tests.services.conftest import Shop

ALICE = By("cli:alice", "the buyer forgot the comment")


async def stray(shop: Shop, amount: int = 100, asset: str = COIN, named: UUID | None = None) -> Payment:
    """Make a payment that counts for no invoice."""
    shop.chain.pay(amount, named, asset=asset)
    await shop.scan()
    (payment,) = await shop.payments.page(PaymentFilter(), 1)
    return payment


async def told(shop: Shop, prefix: str = "payment.") -> list[str]:
    """Return the types of all events that begin with `prefix`, in the order in which they were made."""
    rows = await shop.rows("SELECT type FROM events WHERE starts_with(type, $1) ORDER BY number", prefix)
    return [row["type"] for row in rows]


async def of(shop: Shop, invoice: Invoice) -> Invoice:
    """Return the invoice as it is now."""
    return await shop.invoicing.get(invoice.id)
