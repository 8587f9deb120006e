"""When a webhook is tried again. Attempt 1 goes at once; each failure waits longer, about three days in all."""

from typing import Final

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DELAYS_SECS: Final = (
    5.0,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
"""Standard Webhooks 1.0.0: the delay after the first failure, the second, …"""
MAX_ATTEMPTS: Final = len(_DELAYS_SECS) + 1
MAX_RETRY_AFTER_SECS: Final = 24 * _HOUR
_JITTER: Final = 0.1
_OVERLOADED_SECS: Final = _MINUTE

GONE: Final = 410
OVERLOADED: Final = frozenset({429, 502, 503, 504})


def retry_delay(
    attempt: int, status_code: int | None, retry_after_secs: float | None, randomness: float
) -> float | None:
    """Return how many seconds after the failed `attempt` (from 1) the next one is due; None if there is none.

    `status_code` is the answer's, None if there was no answer; `retry_after_secs` (not negative) is what it asked
    for. It is never shortened, but bounded to a day. `randomness` is from [0, 1) and moves the delay by up to 10 %,
    so that what failed together is not tried together. An endpoint that is gone is not tried again.
    """
    if status_code == GONE or attempt >= MAX_ATTEMPTS:
        return None
    delay = _DELAYS_SECS[attempt - 1]
    if status_code in OVERLOADED:
        delay = max(delay, _OVERLOADED_SECS)
    asked_for = min(retry_after_secs or 0.0, MAX_RETRY_AFTER_SECS)
    return max(delay * (1 - _JITTER + 2 * _JITTER * randomness), asked_for)
