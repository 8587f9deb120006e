"""The contract of rate sources: what a plug-in does that knows what assets cost, and how it is found.

A source is a package of its own, found by entry point (group `harvester.rates`), chosen by RATE_SOURCE, and never
imported by the core. Its name stands with every rate that it says.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.metadata import entry_points
from typing import Final, Protocol

from harvester.domain.errors import ConfigurationError
from harvester.domain.rates import Pair

ENTRY_POINT_GROUP: Final = "harvester.rates"


class RateSource(Protocol):
    """Knows what assets cost. Built without I/O."""

    async def fetch(self, pairs: Sequence[Pair]) -> Mapping[Pair, Decimal]:
        """Return the price of one whole unit of each pair's asset in its currency; leave out what is not known.

        It is called every RATE_INTERVAL_SECS, in the daemon's event loop (it must not block), and cancelled if it
        takes too long. Whatever it raises is told of, with the text of the error, and it is asked again.
        """
        ...


@dataclass(frozen=True, slots=True)
class SourcePlugin:
    """What an entry point of group `harvester.rates` names."""

    name: str
    build: Callable[[Mapping[str, str]], RateSource]
    """Is given those of `variables` that are set, by name without prefix; raises ConfigurationError."""
    variables: frozenset[str] = field(default_factory=frozenset)
    """Names of the settings that the source reads; each may come from a file or a credential, as others may."""
    secrets: frozenset[str] = field(default_factory=frozenset)
    """Those of `variables` that must never be shown."""


def load_source(name: str) -> SourcePlugin:
    """Return the plug-in called `name`; no other one is imported.

    Raises:
        ConfigurationError: it is not installed, and the message lists what is; or it cannot be imported.
    """
    installed = {entry_point.name: entry_point for entry_point in entry_points(group=ENTRY_POINT_GROUP)}
    if name not in installed:
        known = ", ".join(sorted(installed)) or "none"
        raise ConfigurationError(f"RATE_SOURCE: no source called {name!r} is installed (installed: {known})")
    try:
        plugin: SourcePlugin = installed[name].load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"RATE_SOURCE: the source {name!r} cannot be loaded: {error}") from error
    return plugin
