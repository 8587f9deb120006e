"""Scrapes of a running daemon, and what Prometheus would see if things went on as they did between two of them.

A recorded fault is a pair of scrapes some seconds apart. Played back, every series goes on in a straight line: counters
at their rate; moments and ages either stand still or move with the clock, nothing in between. So a rule that waits for
an hour is tried out in a second, on what the daemon truly shows.
"""

import asyncio
import math
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from tests.e2e.calm import metrics
from tests.e2e.daemon import Daemon

APART_SECS: Final = 2.5
"""Enough for all that moves to have moved."""
MINUTE_SECS: Final = 60
RECENT_SECS: Final = 90
_OF_PROMETHEUS: Final = 'instance="shop:9108",job="harvester"'


@dataclass(frozen=True)
class Recording:
    """Two scrapes of one state of affairs."""

    first: Mapping[str, float]
    last: Mapping[str, float]
    at: float
    """Unix seconds of the last."""
    secs: float
    """Time between them."""

    @classmethod
    async def take(cls, daemon: Daemon, secs: float = APART_SECS) -> "Recording":
        """Watch a daemon for some seconds."""
        first, started = await metrics(daemon), time.time()
        await asyncio.sleep(secs)
        last, ended = await metrics(daemon), time.time()
        return cls(first, last, ended, ended - started)

    def line(self, series: str, from_secs: float, *, lively: bool) -> tuple[float, float] | None:
        """Return value at `from_secs` and rise in a minute of a series that is played from then on; None: no value.

        `lively`: all goes on, also what does so too seldom, or was too slow just then, to show it.
        """
        value = self.last.get(series, math.nan)
        if math.isnan(value):
            return None
        rise = (value - self.first.get(series, value)) / self.secs
        name = series.partition("{")[0]
        if name.endswith(("_timestamp_seconds", "_start_time_seconds")):
            moves = (lively and "start" not in name and 0 <= self.at - value < RECENT_SECS) or rise > 0.5
            return (0.0, 0.0) if value == 0 else (from_secs - (self.at - value), moves * MINUTE_SECS)
        if name.endswith("_age_seconds"):
            return value, (rise > 0.5 and not lively) * MINUTE_SECS
        return value, (rise * MINUTE_SECS if name.endswith(("_total", "_bucket", "_count", "_sum")) else 0.0)


def play(
    healthy: Recording, healthy_minutes: int, fault: Recording, fault_minutes: int, names: Collection[str]
) -> dict[str, str]:
    """Return series with their values, in promtool's notation: all is well for so many minutes, and then it is not.

    Of the series that were recorded, those of the metrics `names`; and that the daemon answers.
    """
    played = {"up": f"1x{healthy_minutes + fault_minutes}"}
    for series in healthy.last.keys() | fault.last.keys():
        if series.partition("{")[0] in names:
            before = _values(healthy.line(series, 0, lively=True), healthy_minutes)
            after = _values(fault.line(series, healthy_minutes * MINUTE_SECS, lively=False), fault_minutes)
            played[series] = f"{before} {after}"
    return played


def as_scraped(played: Mapping[str, str]) -> list[dict[str, str]]:
    """Return `input_series` of promtool, with the labels that Prometheus adds."""
    played = {_labelled(series): values for series, values in played.items()}
    return [{"series": series, "values": values} for series, values in sorted(played.items())]


def _values(line: tuple[float, float] | None, minutes: int) -> str:
    if line is None:
        return f"_x{minutes}"
    return f"{line[0]:.6f}{line[1]:+.6f}x{minutes - 1}"


def _labelled(series: str) -> str:
    name, _, labels = series.removesuffix("}").partition("{")
    return f"{name}{{{','.join(filter(None, [labels, _OF_PROMETHEUS]))}}}"
