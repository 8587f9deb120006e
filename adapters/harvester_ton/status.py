"""How the scan of an account fares: tried again until it works, people being told once, and at most once a minute."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential, wait_random

from harvester.chain import UNHEARD
from harvester.domain.errors import CursorConflict, Unavailable
from harvester_ton.metrics import TonMetrics

RETRY_WAIT: Final = wait_exponential(multiplier=0.1, max=5) + wait_random(0, 0.2)
LOG_EVERY_SECS: Final = 60.0
MAX_BEHIND: Final = timedelta(seconds=60)
"""Still the present: blocks come every few seconds, and a key block can hold them up for ten."""

NEWS_SECS: Final = 10.0
"""How long to wait for news of the network before going round once more: who waits must not look as if he hung."""

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


async def news(waiting: Awaitable[_T]) -> _T | None:
    """Return what is waited for, or None if it does not come for a while: look at everything anew then."""
    try:
        async with asyncio.timeout(NEWS_SECS):
            return await waiting
    except TimeoutError:
        return None


class Insistence:
    """Repeats work while something outside is unwell. `trouble` says what is, None while all is well."""

    def __init__(self, subject: str) -> None:
        self.trouble: str | None = None
        self.pulse = UNHEARD
        """Beats at every attempt."""
        self._subject = subject
        self._logged: str | None = None
        self._logged_at = -LOG_EVERY_SECS

    async def insist(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Return what `work` returns, calling it again after Unavailable and CursorConflict, ever more slowly."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((Unavailable, CursorConflict)), wait=RETRY_WAIT, before_sleep=self._report
        )
        self.pulse.beat()
        value: _T = await retrying(work)
        self._recover()
        return value

    def _report(self, state: RetryCallState) -> None:
        self.pulse.beat()
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, CursorConflict):
            return  # another process was here first: nothing is wrong
        self.trouble = str(error)
        now = time.monotonic()
        if self.trouble != self._logged and now - self._logged_at >= LOG_EVERY_SECS:
            self._logged, self._logged_at = self.trouble, now
            _log.warning("Held up, trying again", what=self._subject, reason=self.trouble)

    def _recover(self) -> None:
        self.trouble = None
        if self._logged is not None:
            self._logged = None
            _log.info("Going on again", what=self._subject)


class AccountStatus(Insistence):
    """How the scan of one account fares."""

    def __init__(self, ticker: str, metrics: TonMetrics) -> None:
        super().__init__(f"scan of {ticker}")
        self.ticker = ticker
        self.scanned_until: datetime | None = None
        """Chain time up to which the account has been scanned in this process."""
        self.unverified = False
        """Its address is known by the word of lite servers alone, though proofs are wanted."""
        self._metrics = metrics

    def reached(self, scanned_until: datetime) -> None:
        """Take note of how far the scan has come."""
        self.pulse.success()
        self.scanned_until = scanned_until
        self._metrics.scanned.labels(self.ticker).set(scanned_until.timestamp())

    def mark(self, *, unverified: bool) -> None:
        """Take note whether the account's address is proven; people are told once."""
        if unverified and not self.unverified:
            _log.warning("A jetton's wallet cannot be proven here: no TVM; lite servers are asked", account=self.ticker)
        self.unverified = unverified
        self._metrics.unverified.labels(self.ticker).set(unverified)

    def read(self, transactions: int) -> None:
        """Count transactions that were read."""
        self.pulse.beat()
        self._metrics.transactions.labels(self.ticker).inc(transactions)

    def lacks(self, head: datetime | None) -> str | None:
        """Say why the account is not scanned to the present, `head` being the newest chain time; None if it is."""
        if self.trouble is not None:
            return self.trouble
        if self.scanned_until is None or head is None:
            return "not scanned yet"
        if head - self.scanned_until > MAX_BEHIND:
            return f"catching up, scanned until {self.scanned_until:%Y-%m-%d %H:%M:%S} UTC"
        return None
