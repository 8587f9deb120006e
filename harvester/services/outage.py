"""How a loop lives through an outage: it tries again ever more slowly, and says so once a minute and at the end."""

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
        self._loop = loop
        self._failures = 0
        self._log_at = 0.0

    def retry_secs(self, error: Exception) -> float:
        """Note a failure; return how long to wait before the next try: doubling, bounded, with jitter."""
        now = time.monotonic()
        if not self._failures or now >= self._log_at:
            self._log_at = now + _LOG_EVERY_SECS
            _log.warning(
                "the loop cannot go on for now", loop=self._loop, error=str(error), failures=self._failures + 1
            )
        longest: float = min(_LONGEST_SECS, _FIRST_SECS * 2 ** min(self._failures, 10))
        self._failures += 1
        return longest * random.uniform(0.5, 1)  # noqa: S311  jitter, not a secret

    def over(self) -> None:
        """Note a success."""
        if self._failures:
            _log.info("the loop goes on", loop=self._loop, failures=self._failures)
            self._failures = 0
