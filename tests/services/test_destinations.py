"""What stays watched when the configuration changes: where open invoices are paid, and for a while where they were."""

from datetime import timedelta

from harvester.chain import Destination
from harvester.domain.lifecycle import Status
from harvester.services.chains import Chains
from harvester.services.ledger import LedgerService
from tests.memory_chain import COIN, MERCHANT, TOKEN, MemoryChain
from tests.services.conftest import Shop

OLD = [Destination(MERCHANT, COIN), Destination(MERCHANT, TOKEN)]


def reconfigured(shop: Shop, **configuration: object) -> tuple[MemoryChain, LedgerService]:
    """Return chain and ledger as a process with another configuration has them."""
    chain = MemoryChain(shop.clock, histories=shop.chain.histories, **configuration)  # type: ignore[arg-type]  # any
    services = (shop.database, Chains([chain]), shop.clock, shop.signals, shop.metrics)
    return chain, LedgerService(*services, keep_watching=timedelta(days=30))


async def test_what_is_configured_is_nothing_further(shop: Shop) -> None:
    await shop.invoice(100)
    assert await shop.ledger.further_destinations("memory") == []


async def test_late_money_for_a_recipient_that_was_changed_is_seen_for_a_while(shop: Shop) -> None:
    invoice = await shop.invoice(100, 60)
    await shop.ledger.further_destinations("memory")
    shop.clock.advance(61)
    await shop.scan()
    chain, ledger = reconfigured(shop, recipient="other")
    assert await ledger.further_destinations("memory") == OLD
    chain.pay(100, invoice.id)
    for destination in await ledger.further_destinations("memory"):
        await chain.scan(ledger, destination.asset, recipient=destination.pay_to_address)
    late = await shop.invoicing.get(invoice.id)
    assert (late.status, late.overpayment) == (Status.EXPIRED, 100)
    shop.clock.advance(31 * 86_400)
    assert await ledger.further_destinations("memory") == []


async def test_an_open_invoice_keeps_its_destination_watched_however_long_it_is_open(shop: Shop) -> None:
    await shop.invoice(100, 90 * 86_400, "TOK")
    _, ledger = reconfigured(shop, assets=[COIN])
    shop.clock.advance(89 * 86_400)
    assert await ledger.further_destinations("memory") == [Destination(MERCHANT, TOKEN)]
    shop.clock.advance(2 * 86_400)
    await shop.chain.scan(shop.ledger, TOKEN)
    assert await ledger.further_destinations("memory") == [Destination(MERCHANT, TOKEN)]
    shop.clock.advance(30 * 86_400)
    assert await ledger.further_destinations("memory") == []
