"""Token buckets: who may ask how often. In memory, each process for itself; nothing here knows what is limited."""

from collections.abc import Hashable
from typing import Final

MAX_BUCKETS: Final = 1 << 16
_MINUTE_SECS: Final = 60.0


class Buckets:
    """A bucket for each key: it holds as much as may be taken in a minute, and fills evenly.

    A bucket is one number: the moment at which it will be full again, if nothing more is taken. So a full one need not
    be kept, and when there are too many, those that were used longest ago go.
    """

    def __init__(self, per_minute: int, at_most: int = MAX_BUCKETS) -> None:
        """Make the buckets; `per_minute` > 0."""
        self._interval_secs = _MINUTE_SECS / per_minute
        self._at_most = at_most
        self._full_at: dict[Hashable, float] = {}

    def wait_secs(self, key: Hashable, now: float) -> float:
        """Return how long it takes until one can be taken: 0 if at once. `now`: seconds of a clock that only rises."""
        return max(0.0, self._full_at.get(key, now) - now + self._interval_secs - _MINUTE_SECS)

    def take(self, key: Hashable, now: float) -> float:
        """Take one and return 0, or return how many seconds there are to wait, and take nothing."""
        wait_secs = self.wait_secs(key, now)
        if wait_secs <= 0:
            self._full_at[key] = max(now, self._full_at.pop(key, now)) + self._interval_secs
            if len(self._full_at) > self._at_most:
                del self._full_at[next(iter(self._full_at))]
        return wait_secs
