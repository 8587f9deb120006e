"""What the ledger counts: labels are what is configured, never what anybody can make up on a chain."""

from harvester.metrics import OTHER_ASSET
from harvester.storage.database import Database
from tests.clock import ManualClock
from tests.memory_chain import COIN, TOKEN, MemoryChain
from tests.services.conftest import Shop


def counted(shop: Shop) -> dict[tuple[str, str, str], float]:
    """Return the payments counted, by chain, asset and class, but for those of which there are none."""
    return {
        (sample.labels["chain"], sample.labels["asset"], sample.labels["class"]): sample.value
        for family in shop.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "harvester_payments_total" and sample.value
    }


async def test_payments_are_counted_by_chain_asset_and_class(shop: Shop) -> None:
    invoice = await shop.invoice(100)
    shop.chain.pay(100, invoice.id)
    shop.chain.pay(7)
    shop.chain.pay(100, invoice.id, asset=TOKEN)
    await shop.scan()
    assert counted(shop) == {
        ("memory", "MEM", "exact"): 1,
        ("memory", "MEM", "unmatched"): 1,
        ("memory", "TOK", "wrong_asset"): 1,
    }


async def test_an_asset_that_is_not_configured_any_more_is_one_of_the_others(database: Database) -> None:
    clock = ManualClock()
    shop = Shop(database, clock, world=MemoryChain(clock, assets=(COIN,)))
    shop.chain.pay(7, asset=TOKEN)
    await shop.scan()
    assert counted(shop) == {("memory", OTHER_ASSET, "unmatched"): 1}


def test_the_label_sets_of_what_is_configured_are_there_from_the_start(database: Database) -> None:
    shop = Shop(database)
    shop.metrics.create_chains(shop.chains.tickers())
    for asset in ("MEM", "TOK", OTHER_ASSET):
        labels = {"chain": "memory", "asset": asset, "class": "late"}
        assert shop.metrics.registry.get_sample_value("harvester_payments_total", labels) == 0
