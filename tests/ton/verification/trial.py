"""One damaged answer against one verifier: refused by type or harmless, and always quick."""

from typing import Any

from harvester_ton.verification import Refused
from tests.ton.verification.machine import is_quick
from tests.ton.verification.targets import Target


class Broken(Exception):
    """A damaged answer was believed, raised something else than a refusal, or took too long."""


def attempt(target: Target, honest_facts: Any, damaged: bytes) -> str:
    """The reason of the refusal, or `unchanged`; Broken for anything else."""
    outcomes: list[str] = []
    if not is_quick(lambda: outcomes.append(_outcome(target, honest_facts, damaged))):
        raise Broken(f"{target.name}: took too long, {len(outcomes)} times in a row")
    return outcomes[-1]


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
