"""The table: what we measured beside what the original watcher did on such a machine (see `ORIGINAL`)."""

import json
from dataclasses import asdict, dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

ORIGINAL: Final = {
    "create, 64 clients": 808.0,
    "get, 64 clients": 6_400.0,
    "cancel, 64 clients": 890.0,
    "list 20": 410.0,
    "list 100": 83.0,
    "deliveries, receiver takes 200 ms": 4.5,
    "deliveries, receiver takes no time": 235.0,
    "catch-up": 55.0,
    "block to webhook, one by one: median": 7.7,
    "block to webhook, one by one: p99": 11.4,
    "block to webhook, bursts of 50: last": 12.8,
}
"""The original watcher's best figures, measured once on two shared cores under load: compare ratios, not digits."""


@dataclass(frozen=True)
class Line:
    """One measurement."""

    measure: str
    value: float
    unit: str
    better: str = "higher"
    """`higher` or `lower`."""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better than the original, if that was measured."""
        original = ORIGINAL.get(self.measure)
        if original is None or not self.value:
            return None
        return self.value / original if self.better == "higher" else original / self.value


def print_report(lines: list[Line], *, as_json: bool) -> None:
    """Print all lines as a table for people or as JSON for programs."""
    if as_json:
        print(json.dumps([asdict(line) | {"ratio": line.ratio} for line in lines]))
        return
    table = Table(title="harvester, measured now on this machine")
    for heading in ("measure", "ours", "original", "times better", "note"):
        table.add_column(heading, justify="left" if heading in {"measure", "note"} else "right")
    for line in lines:
        original = ORIGINAL.get(line.measure)
        table.add_row(
            line.measure,
            f"{line.value:,.3g} {line.unit}" if line.value < 100 else f"{line.value:,.0f} {line.unit}",
            "" if original is None else f"{original:,g} {line.unit}",
            "" if line.ratio is None else f"{line.ratio:.1f}",
            line.note,
        )
    Console(width=140).print(table)
