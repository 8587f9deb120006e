"""Asks a source what assets cost, and shows how old rates are. Whatever the source does, all else goes on.

A rate that jumped is not taken: more than so many percent away from the last one that anybody said, however old that
is. Only a person says that it is so, by setting a rate.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final, NoReturn

from harvester.domain.errors import InvalidInput, Unavailable
from harvester.domain.rates import Pair, Rate, is_jump, plain, rounded_rate
from harvester.metrics import Metrics
from harvester.rate_source import RateSource
from harvester.services.outage import Outage
from harvester.services.rates import Rates

FETCH_SECS: Final = 20.0
_LOOK_SECS: Final = 10.0


@dataclass(frozen=True, slots=True)
class ChosenSource:
    """The source of rates that the operator chose."""

    name: str
    source: RateSource
    interval: timedelta
    """How often it is asked, by all processes together."""
    max_jump_percent: int


class RateFeed:
    """Keeps the rates of `pairs` up to date, if there is a source, and their gauges in any case."""

    def __init__(
        self,
        rates: Rates,
        pairs: Sequence[Pair],
        chosen: ChosenSource | None,
        metrics: Metrics,
        fetch_secs: float = FETCH_SECS,
    ) -> None:
        self._rates = rates
        self._pairs = pairs
        self._chosen = chosen
        self._metrics = metrics
        self._fetch_secs = fetch_secs
        self._asked_at = float("-inf")
        self._database_outage = Outage("rates")
        self._source_outage = Outage("source of rates")
        self._remarks: Sequence[str] = []

    def remarks(self) -> Sequence[str]:
        """Return what is wrong with the source, for anybody to see. Nothing stops for it."""
        return self._remarks

    async def run(self) -> NoReturn:
        """Look every few seconds whether something is to be done, until cancelled.

        The watchdog does not wait for this loop: a source that hangs for good must not stop the daemon.
        """
        while True:
            wait_secs = await self._look()
            await asyncio.sleep(wait_secs)

    async def _look(self) -> float:
        try:
            known = await self._rates.last(self._pairs)
            if self._chosen and self._is_due(self._chosen, known):
                await self._ask(self._chosen, known)
                known = await self._rates.last(self._pairs)
        except Unavailable as error:
            return self._database_outage.retry_secs(error)
        self._database_outage.over()
        for pair in self._pairs:
            self._show(pair, known.get(pair))
        return min(_LOOK_SECS, self._chosen.interval.total_seconds()) if self._chosen else _LOOK_SECS

    def _show(self, pair: Pair, last: Rate | None) -> None:
        labels = pair.asset.ticker, pair.currency
        self._metrics.rate_made.labels(*labels).set(last.created_at.timestamp() if last else 0)
        self._metrics.rate_valid_until.labels(*labels).set(last.valid_until.timestamp() if last else 0)

    def _is_due(self, chosen: ChosenSource, known: Mapping[Pair, Rate]) -> bool:
        """Say whether neither this process nor another one has asked the source lately."""
        if time.monotonic() - self._asked_at < chosen.interval.total_seconds():
            return False
        since = self._rates.now() - chosen.interval
        return not any(last.source == chosen.name and last.created_at > since for last in known.values())

    async def _ask(self, chosen: ChosenSource, known: Mapping[Pair, Rate]) -> None:
        self._asked_at = time.monotonic()
        try:
            async with asyncio.timeout(self._fetch_secs):
                quotes = dict(await chosen.source.fetch(self._pairs))
        except Exception as error:  # noqa: BLE001  code of others, which may fail in any way: told, counted, asked again
            # Its text may hold what nobody but the operator should see: it is for the log, not for /readyz.
            self._source_outage.retry_secs(error if str(error) else RuntimeError(type(error).__name__))
            self._remarks = [f"rates: the source {chosen.name} failed ({type(error).__name__})"]
            self._metrics.rate_quotes.labels("failed").inc(len(self._pairs))
            return
        troubles = [await self._take(chosen, pair, quotes.get(pair), known.get(pair)) for pair in self._pairs]
        self._remarks = [f"rates: {trouble}" for trouble in troubles if trouble]
        if self._remarks:
            self._source_outage.retry_secs(RuntimeError("; ".join(self._remarks)))
        else:
            self._source_outage.over()

    async def _take(self, chosen: ChosenSource, pair: Pair, quote: Decimal | None, last: Rate | None) -> str | None:
        """Store what the source says of a pair, if it says anything; return what is wrong with it."""
        if quote is None:
            self._metrics.rate_quotes.labels("missing").inc()
            return None
        what = f"{pair.asset.ticker} in {pair.currency}"
        try:
            rate = rounded_rate(quote)
        except InvalidInput:
            self._metrics.rate_quotes.labels("invalid").inc()
            return f"what the source {chosen.name} says of {what} is no rate"
        if last and is_jump(last.rate, rate, chosen.max_jump_percent):
            self._metrics.rate_quotes.labels("jump").inc()
            return f"{what} jumped from {plain(last.rate)} to {plain(rate)}, which counts only if somebody sets it"
        await self._rates.add(pair, rate, chosen.name)
        self._metrics.rate_quotes.labels("stored").inc()
        return None
