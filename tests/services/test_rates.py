"""Rates: the last one said counts while it is valid, and no earlier one comes back."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from harvester.domain.errors import InvalidInput, NoRate
from harvester.domain.rates import Pair, plain
from harvester.services.rates import Rates, valid_rate
from harvester.storage.database import Database
from tests.clock import ManualClock
from tests.services.conftest import Shop

HOUR = timedelta(hours=1)


class Market:
    """The rates of a shop."""

    def __init__(self, shop: Shop) -> None:
        self.database: Database = shop.database
        self.clock: ManualClock = shop.clock
        self.rates = Rates(shop.database, shop.chains, shop.clock, HOUR)

    def pair(self, currency: str = "USD", ticker: str | None = None) -> Pair:
        return self.rates.pair(currency, ticker)

    async def say(self, rate: str, valid_secs: int | None = None, currency: str = "USD") -> None:
        await self.rates.add(self.pair(currency), Decimal(rate), "test", valid_secs)

    async def now(self, currency: str = "USD", at: datetime | None = None) -> str | None:
        async with self.database.connection() as connection:
            try:
                return plain((await valid_rate(connection, self.pair(currency), at or self.clock())).rate)
            except NoRate:
                return None


@pytest.fixture
def market(shop: Shop) -> Market:
    return Market(shop)


async def test_a_rate_comes_back_with_the_digits_that_it_was_given(market: Market) -> None:
    for text in ("5.23", "5.2300", "0.000000000000000001", "999999999999.999999999999999999", "1000"):
        await market.say(text)
        assert await market.now() == text


async def test_a_rate_counts_for_the_usual_time_or_for_as_long_as_was_said(market: Market) -> None:
    await market.say("5")
    market.clock.advance(3599)
    assert await market.now() == "5"
    market.clock.advance(1)
    assert await market.now() is None
    await market.say("6", valid_secs=86_400)
    market.clock.advance(86_399)
    assert await market.now() == "6"


async def test_a_wrong_rate_does_not_come_back_when_the_right_one_has_ended(market: Market) -> None:
    await market.say("523", valid_secs=86_400)
    await market.say("5.23", valid_secs=60)
    assert await market.now() == "5.23"
    market.clock.advance(60)
    assert await market.now() is None


async def test_the_last_one_said_counts_whatever_the_clocks_of_two_processes_say(market: Market) -> None:
    await market.say("5")
    market.clock.advance(-30)
    await market.say("6")
    assert await market.now() == "6"


async def test_pairs_do_not_mix(market: Market) -> None:
    await market.say("5")
    await market.rates.add(market.pair("USD", "TOK"), Decimal("0.1"), "test")
    await market.say("4", currency="EUR")
    assert [await market.now(code) for code in ("USD", "EUR", "CHF")] == ["5", "4", None]
    found = await market.rates.last([market.pair("USD", "TOK"), market.pair("CHF"), market.pair("EUR")])
    assert {(pair.asset.ticker, pair.currency): plain(rate.rate) for pair, rate in found.items()} == {
        ("TOK", "USD"): "0.1",
        ("MEM", "EUR"): "4",
    }


async def test_the_list_has_the_last_rate_of_each_pair(market: Market, shop: Shop) -> None:
    assert await market.rates.list() == []
    for number, currency in enumerate(["USD", "EUR", "USD", "AAA", "ZZZ", "EUR"], start=1):
        await market.say(str(number), currency=currency)
    await shop.rows(
        "INSERT INTO rates (chain, asset, currency, rate, source, created_at, valid_until)"
        " VALUES ('gone', 'x', 'USD', 7, 'test', now(), now() + interval '1 h')"
    )
    listed = [(rate.currency, plain(rate.rate), asset and asset.ticker) for rate, asset in await market.rates.list()]
    assert listed == [
        ("USD", "7", None),
        ("AAA", "4", "MEM"),
        ("EUR", "6", "MEM"),
        ("USD", "3", "MEM"),
        ("ZZZ", "5", "MEM"),
    ]


@pytest.mark.parametrize("valid_secs", [0, -1, 10 * 366 * 86_400 + 1])
async def test_a_rate_is_valid_for_some_time_and_not_for_ever(market: Market, valid_secs: int) -> None:
    with pytest.raises(InvalidInput, match="valid for 1 to"):
        await market.say("5", valid_secs)
    assert await market.rates.list() == []


async def test_a_ticker_that_there_is_not_has_no_rate(market: Market) -> None:
    with pytest.raises(InvalidInput, match="ticker must be one of: MEM, TOK"):
        market.pair("USD", "DOGE")
    assert market.pair("USD").asset.ticker == "MEM"
