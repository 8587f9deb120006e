"""One damaged answer against one verifier: refused by type or harmless, and always quick."""

from time import thread_time
from typing import Any, Final

from harvester_ton.verification import Refused
from tests.ton.verification.machine import slowness
from tests.ton.verification.targets import Target

MAX_SECS: Final = 0.1
_TIMINGS: Final = 3
"""A collection of garbage can fall into one or two."""


class Broken(Exception):
    """A damaged answer was believed, raised something else than a refusal, or took too long."""


def attempt(target: Target, honest_facts: Any, damaged: bytes) -> str:
    """The reason of the refusal, or `unchanged`; Broken for anything else."""
    for _ in range(_TIMINGS):
        started = thread_time()
        outcome = _outcome(target, honest_facts, damaged)
        taken_secs = thread_time() - started
        if taken_secs < MAX_SECS or taken_secs < MAX_SECS * slowness():
            return outcome
    raise Broken(f"{target.name}: took more than {MAX_SECS} s, {_TIMINGS} times in a row")


def _outcome(target: Target, honest_facts: Any, damaged: bytes) -> str:
    try:
        facts = target.facts(damaged)
    except Refused as refusal:
        return refusal.reason.value
    except Exception as error:
        raise Broken(f"{target.name}: {type(error).__name__}: {error}") from error
    if facts != honest_facts:
        raise Broken(f"{target.name}: believed other facts")
    return "unchanged"
