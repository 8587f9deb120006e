"""Rates: who says what an asset costs, and what it costs now."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from harvester.chain import Clock
from harvester.domain.errors import InvalidInput, NoRate
from harvester.domain.events import unix_seconds
from harvester.domain.money import Currency
from harvester.domain.rates import Pair, Rate, plain
from harvester.services.chains import Chains
from harvester.services.idempotency import Once, kept
from harvester.storage import rates
from harvester.storage.database import Connection, Database

MAX_VALID_SECS: Final = 10 * 366 * 86_400
MAX_PAIRS: Final = 1_000
"""How many pairs a list shows."""


class Rates:
    """Rates as the merchant sees them. All methods may raise Unavailable."""

    def __init__(self, database: Database, chains: Chains, clock: Clock, valid_for: timedelta) -> None:
        """Make the service; `valid_for`: how long a rate is valid of which nobody says it."""
        self._database = database
        self._chains = chains
        self._clock = clock
        self._valid_for = valid_for

    def pair(self, currency: str, ticker: str | None = None) -> Pair:
        """Return the asset called `ticker` (None: the first one that there is), priced in `currency`, a code.

        Raises:
            InvalidInput: there is no such ticker.
        """
        chains = self._chains
        return Pair(chains.first_currency() if ticker is None else chains.currency(ticker, "ticker"), currency)

    def pairs(self, currencies: Sequence[str]) -> Sequence[Pair]:
        """Return every asset in each of `currencies`, which are codes."""
        return [Pair(asset, currency) for asset in self._chains.currencies() for currency in currencies]

    def now(self) -> datetime:
        """Return the moment at which rates are or are not valid."""
        return self._clock()

    async def add(
        self,
        pair: Pair,
        rate: Decimal,
        source: str,
        valid_secs: int | None = None,
        once: Once[Rate] | None = None,
    ) -> Rate:
        """Store what `source` says; it counts from now on, for `valid_secs` or the usual time.

        Raises:
            InvalidInput: it would be valid for too short or too long.
        """
        if valid_secs is not None and not 1 <= valid_secs <= MAX_VALID_SECS:
            raise InvalidInput(f"a rate can be valid for 1 to {MAX_VALID_SECS} seconds")
        valid_for = self._valid_for if valid_secs is None else timedelta(seconds=valid_secs)
        now = self._clock()
        async with self._database.transaction() as connection:
            added = await rates.insert(connection, pair, rate, source, now, now + valid_for)
            return await kept(once, connection, added, now)

    async def last(self, pairs: Sequence[Pair]) -> Mapping[Pair, Rate]:
        """Return the last rate of each of `pairs` that has one, valid or not."""
        async with self._database.connection() as connection:
            return await rates.last(connection, pairs)

    async def list(self) -> Sequence[tuple[Rate, Currency | None]]:
        """Return the last rate of each pair, valid or not, with its asset; None: that is no longer configured."""
        async with self._database.connection() as connection:
            found = await rates.last_of_all(connection, MAX_PAIRS)
        return [(rate, self._chains.find_currency(rate.chain, rate.asset)) for rate in found]


def rate_view(rate: Rate, asset: Currency | None, now: datetime) -> dict[str, object]:
    """Return the JSON members of `rate`, which is of `asset`: the rate as a string, times as Unix seconds."""
    return {
        "number": rate.number,
        **({"ticker": asset.ticker} if asset else {}),
        "chain": rate.chain,
        "asset": rate.asset,
        "currency": rate.currency,
        "rate": plain(rate.rate),
        "source": rate.source,
        "created_at": unix_seconds(rate.created_at),
        "valid_until": unix_seconds(rate.valid_until),
        "valid": now < rate.valid_until,
    }


async def valid_rate(connection: Connection, pair: Pair, now: datetime) -> Rate:
    """Return the rate at which a price is converted at the moment `now`.

    Raises:
        NoRate: nobody has said one, or the last one has ended.
    """
    last = (await rates.last(connection, [pair])).get(pair)
    if last is None or now >= last.valid_until:
        raise NoRate(
            f"no rate of {pair.asset.ticker} in {pair.currency} is valid now: set one, or ask for an amount of "
            f"{pair.asset.ticker}"
        )
    return last
