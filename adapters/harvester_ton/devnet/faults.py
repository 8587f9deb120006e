"""What can be wrong with a lite server, on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class FaultMode(StrEnum):
    """One fault at a time per server."""

    NONE = "none"
    DROP = "drop"  # every connection is cut: those that are open now, later ones at their first query
    STALL = "stall"  # connections are accepted and nothing is ever answered
    LAG = "lag"  # answers as of some blocks ago
    REFUSE = "refuse"  # the port is closed

    @classmethod
    def parse(cls, name: str) -> FaultMode:
        """Raises `ValueError` with the list of modes."""
        try:
            return cls(name)
        except ValueError:
            allowed = ", ".join(mode.value for mode in cls)
            raise ValueError(f"mode must be one of {allowed}, not {name!r}") from None


@dataclass
class Faults:
    """The state of one server's faults.

    `tamper` (in-process only) sees each query and its honest answer and returns what is sent instead: how a test lies.
    """

    mode: FaultMode = FaultMode.NONE
    lag_blocks: int = 0
    tamper: Callable[[bytes, bytes], bytes] | None = None
