"""How slow this machine is at the moment, so that limits of time hold on shared and noisy ones too."""

from hashlib import sha256
from time import thread_time
from typing import Final

_REFERENCE_SECS: Final = 0.010
"""A round figure a little below what `_work` takes on an idle core of the machine on which the limits were set."""


def slowness() -> float:
    """Return how many times longer than on the reference machine work of our kind takes now; at least 1."""
    return max(1.0, min(_work() for _ in range(3)) / _REFERENCE_SECS)


def _work() -> float:
    started, digest, total = thread_time(), b"", 0
    for number in range(20_000):
        digest = sha256(digest + number.to_bytes(4)).digest()
        total += int.from_bytes(digest) >> 200
    return thread_time() - started
