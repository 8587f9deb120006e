"""The feed of rates: what the source says is taken with care, and nothing that it does stops anything."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from harvester.domain.rates import Pair, plain
from harvester.services.rate_feed import ChosenSource, RateFeed
from harvester.services.rates import Rates
from harvester.storage.database import Database
from tests.services.conftest import Shop

Answer = Callable[[Sequence[Pair]], Awaitable[Mapping[Pair, Any]]]


@dataclass
class Source:
    """Says what the test wants; counts how often it was asked."""

    says: Any = field(default_factory=dict)
    """By (ticker, currency); an exception is raised, a function is called."""
    asked: int = 0

    async def fetch(self, pairs: Sequence[Pair]) -> Mapping[Pair, Decimal]:
        self.asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        if callable(self.says):
            return await self.says(pairs)  # type: ignore[no-any-return]
        return {pair: self.says[key] for pair in pairs if (key := (pair.asset.ticker, pair.currency)) in self.says}


class Market:
    """A feed and what it writes."""

    def __init__(self, shop: Shop, interval_secs: float = 0.001, fetch_secs: float = 5.0) -> None:
        self.shop = shop
        self.rates = Rates(shop.database, shop.chains, shop.clock, timedelta(hours=1))
        self.pairs = [self.rates.pair("USD"), self.rates.pair("EUR"), self.rates.pair("USD", "TOK")]
        self.source = Source()
        chosen = ChosenSource("oracle", self.source, timedelta(seconds=interval_secs), 50)
        self.feed = RateFeed(self.rates, self.pairs, chosen, shop.metrics, fetch_secs)

    async def look(self, says: Any = None) -> list[str]:
        """Let the feed look once, after the source's time has come; return what is known then."""
        if says is not None:
            self.source.says = says
        self.shop.clock.advance(1)
        await asyncio.sleep(0.002)  # the interval, which runs on the machine's own clock
        await self.feed._look()
        known = await self.rates.last(self.pairs)
        return [f"{pair.asset.ticker} {plain(rate.rate)} {pair.currency} {rate.source}" for pair, rate in known.items()]

    def count(self, result: str) -> float:
        return self.shop.metrics.registry.get_sample_value("harvester_rate_quotes_total", {"result": result}) or 0

    def gauge(self, name: str, ticker: str = "MEM", currency: str = "USD") -> float | None:
        labels = {"ticker": ticker, "currency": currency}
        return self.shop.metrics.registry.get_sample_value(f"harvester_rate_{name}_timestamp_seconds", labels)


@pytest.fixture
def market(shop: Shop) -> Market:
    return Market(shop)


async def test_what_the_source_says_is_stored_under_its_name(market: Market) -> None:
    known = await market.look({("MEM", "USD"): Decimal("5.2300"), ("TOK", "USD"): Decimal(1) / Decimal(3)})
    assert known == ["MEM 5.23 USD oracle", "TOK 0.333333333333333333 USD oracle"]
    assert (market.count("stored"), market.count("missing")) == (2, 1)
    now = market.shop.clock().timestamp()
    assert (market.gauge("made"), market.gauge("valid_until")) == (now, now + 3600)
    assert (market.gauge("made", currency="EUR"), market.gauge("valid_until", currency="EUR")) == (0, 0)
    assert market.feed.remarks() == []


async def test_a_jump_is_refused_until_a_person_says_that_it_is_so(market: Market) -> None:
    usd = ("MEM", "USD")
    assert await market.look({usd: Decimal(10)}) == ["MEM 10 USD oracle"]
    assert await market.look({usd: Decimal(15)}) == ["MEM 15 USD oracle"]
    for wrong in ("22.6", "7.4"):
        assert await market.look({usd: Decimal(wrong)}) == ["MEM 15 USD oracle"]
        [remark] = market.feed.remarks()
        assert remark == f"rates: MEM in USD jumped from 15 to {wrong}, which counts only if somebody sets it"
    assert market.count("jump") == 2
    market.shop.clock.advance(86_400)
    assert await market.look({usd: Decimal("22.6")}) == ["MEM 15 USD oracle"]
    await market.rates.add(market.pairs[0], Decimal(22), "cli:bob")
    assert await market.look({usd: Decimal("22.6")}) == ["MEM 22.6 USD oracle"]
    assert market.feed.remarks() == []


@pytest.mark.parametrize(
    "wrong", [Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity"), 5.23, "5.23", 5, [], Decimal("1E+12")]
)
async def test_what_is_no_rate_is_not_stored_and_the_others_are(market: Market, wrong: Any) -> None:
    known = await market.look({("MEM", "USD"): wrong, ("MEM", "EUR"): Decimal(4)})
    assert known == ["MEM 4 EUR oracle"]
    assert market.count("invalid") == 1
    assert market.feed.remarks() == ["rates: what the source oracle says of MEM in USD is no rate"]


async def hangs(_pairs: Sequence[Pair]) -> Mapping[Pair, Decimal]:
    await asyncio.Event().wait()
    return {}


async def is_nonsense(_pairs: Sequence[Pair]) -> Any:
    return 17


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        (RuntimeError("https://rates.example/?key=geheim"), "RuntimeError"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (hangs, "TimeoutError"),
        (is_nonsense, "TypeError"),
    ],
)
async def test_a_source_that_fails_is_seen_and_asked_again(shop: Shop, says: Any, kind: str) -> None:
    market = Market(shop, fetch_secs=0.05)
    await market.look({("MEM", "USD"): Decimal(5)})
    assert await market.look(says) == ["MEM 5 USD oracle"]
    assert market.feed.remarks() == [f"rates: the source oracle failed ({kind})"]
    assert market.count("failed") == 3
    assert await market.look({("MEM", "USD"): Decimal(6)}) == ["MEM 6 USD oracle"]
    assert market.feed.remarks() == []


async def test_a_source_that_was_asked_lately_by_another_process_is_left_alone(shop: Shop) -> None:
    one, other = Market(shop, interval_secs=300), Market(shop, interval_secs=300)
    says = {("MEM", "USD"): Decimal(5)}
    await one.look(says)
    await other.look(says)
    await one.look(says)
    assert (one.source.asked, other.source.asked) == (1, 0)
    shop.clock.advance(300)
    await other.look(says)
    assert other.source.asked == 1


async def test_what_a_person_says_keeps_no_source_from_being_asked(market: Market) -> None:
    await market.rates.add(market.pairs[0], Decimal(5), "cli:bob")
    market.shop.clock.advance(-1)  # which looking advances: the rate is of this moment
    assert await market.look({("MEM", "USD"): Decimal(6)}) == ["MEM 6 USD oracle"]


async def test_a_source_of_which_nothing_could_be_stored_is_not_asked_at_every_look(shop: Shop) -> None:
    market = Market(shop, interval_secs=300)
    for _ in range(3):
        await market.look(RuntimeError("no"))
    assert market.source.asked == 1


async def test_without_a_source_the_gauges_show_what_people_set(shop: Shop) -> None:
    market = Market(shop)
    market.feed = RateFeed(market.rates, market.pairs, None, shop.metrics)
    await market.rates.add(market.pairs[0], Decimal(5), "cli:bob", 60)
    await market.look()
    made = market.gauge("made") or 0
    assert (market.gauge("valid_until") or 0) - made == 60
    assert market.source.asked == 0


async def test_the_feed_lives_through_an_outage_of_the_database(shop: Shop) -> None:
    async with Database.open("postgresql://nobody@127.0.0.1:1/none") as away:
        market = Market(shop)
        feed = RateFeed(Rates(away, shop.chains, shop.clock, timedelta(1)), market.pairs, None, shop.metrics)
        task = asyncio.create_task(feed.run())
        done, _ = await asyncio.wait({task}, timeout=0.3)
        assert not done
        task.cancel()
