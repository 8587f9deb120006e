"""How a loop lives through an outage: it tries again ever more slowly, and says so at most once a minute.

An outage that comes and goes, too, costs at most two lines a minute: its end is told only if its beginning was.
"""

import random
import time
from typing import Final

import structlog

_FIRST_SECS: Final = 0.1
_LONGEST_SECS: Final = 5.0
_LOG_EVERY_SECS: Final = 60.0

_log = structlog.get_logger(__name__)


class Outage:
    """Memory of the failures in a row of the loop called `loop`."""

    def __init__(self, loop: str) -> None:
        self.trouble: str | None = None
        """What the loop fails of; None if it goes on."""
        self._loop = loop
        self._failures = 0
        self._told = False
        self._log_at = 0.0

    def retry_secs(self, error: Exception) -> float:
        """Note a failure; return how long to wait before the next try: doubling, bounded, with jitter."""
        self.trouble = str(error)
        now = time.monotonic()
        if now >= self._log_at:
            self._log_at, self._told = now + _LOG_EVERY_SECS, True
            _log.warning(
                "the loop cannot go on for now", loop=self._loop, error=self.trouble, failures=self._failures + 1
            )
        longest: float = min(_LONGEST_SECS, _FIRST_SECS * 2 ** min(self._failures, 10))
        self._failures += 1
        return longest * random.uniform(0.5, 1)  # noqa: S311  jitter, not a secret

    def over(self) -> None:
        """Note a success."""
        if self._told:
            _log.info("the loop goes on", loop=self._loop, failures=self._failures)
        self.trouble, self._failures, self._told = None, 0, False
