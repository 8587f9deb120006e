"""Damaged answers are refused by type, or prove exactly what the honest ones prove. `fuzz.py` goes on for longer."""

import subprocess
import sys
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ton.verification.mutations import mutate
from tests.ton.verification.targets import Target, all_targets
from tests.ton.verification.trial import attempt

TARGETS = all_targets()
ANSWERS = [target.honest for target in TARGETS]


@cache
def honest_facts(index: int) -> Any:
    return TARGETS[index].facts(TARGETS[index].honest)


@settings(max_examples=1500, deadline=None)
@given(st.integers(0, len(TARGETS) - 1), st.integers(0))
def test_damaged_answers_are_refused_or_harmless(index: int, seed: int) -> None:
    random = Random(seed)  # noqa: S311 # a damage is to be repeated
    attempt(TARGETS[index], honest_facts(index), mutate(random, TARGETS[index].honest, ANSWERS))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TARGETS), st.binary(max_size=400))
def test_any_bytes_are_refused(target: Target, data: bytes) -> None:
    assert attempt(target, None, data) != "unchanged"
    attempt(target, None, target.honest[:4] + data)


@pytest.mark.parametrize("target", [target for target in TARGETS if len(target.honest) < 3000], ids=lambda t: t.name)
def test_no_byte_can_be_changed_to_any_effect(target: Target) -> None:
    facts = target.facts(target.honest)
    random = Random(target.name)  # noqa: S311 # a damage is to be repeated
    for at in range(len(target.honest)):
        damaged = bytearray(target.honest)
        damaged[at] ^= 1 << random.randrange(8)
        attempt(target, facts, bytes(damaged))


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
def test_no_answer_can_be_cut(target: Target) -> None:
    for size in range(0, len(target.honest), max(1, len(target.honest) // 60)):
        assert attempt(target, None, target.honest[:size]) != "unchanged"


def test_the_command_for_long_runs_reports_what_it_tried() -> None:
    command = [sys.executable, "-m", "tests.ton.verification.fuzz", "--seconds", "0.2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "malformed" in done.stdout
