"""Limits of time that hold on machines that are slow, shared or busy, too."""

from collections.abc import Callable
from hashlib import sha256
from time import thread_time
from typing import Any, Final

MAX_SECS: Final = 0.1
"""What an answer may cost on the machine on which the limits were set."""
_REFERENCE_SECS: Final = 0.010
"""A round figure a little below what `_work` takes on an idle core of that machine."""
_TRIES: Final = 10
"""What the rest of the machine does, or a collection of garbage, falls into some of them; what is slow is so in all."""


def is_quick(run: Callable[[], Any]) -> bool:
    """Return whether `run` costs no more than an answer may."""
    return any(_is_allowed(_secs(run)) for _ in range(_TRIES))


def _is_allowed(taken_secs: float) -> bool:
    return taken_secs < MAX_SECS or taken_secs < MAX_SECS * _slowness()


def _slowness() -> float:
    """Return how many times longer than on the reference machine work of our kind takes now."""
    return sum(_secs(_work) for _ in range(3)) / 3 / _REFERENCE_SECS


def _secs(run: Callable[[], Any]) -> float:
    started = thread_time()
    run()
    return thread_time() - started


def _work() -> None:
    digest, total = b"", 0
    for number in range(20_000):
        digest = sha256(digest + number.to_bytes(4)).digest()
        total += int.from_bytes(digest) >> 200
