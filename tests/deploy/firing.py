"""Alarms tried out by promtool: silent while all is well, firing some time after a fault has begun."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.faults import Fault
from tests.deploy.files import RULES_PATH, rules
from tests.deploy.promql import selectors
from tests.deploy.recording import Recording, as_scraped, play
from tests.deploy.tools import PROMTOOL

HEALTHY_MINUTES: Final = 10
FAULT_MINUTES: Final[Mapping[str, int]] = {
    "HarvesterFewNodes": 62,
    "HarvesterOutboxOld": 62,
    "HarvesterUnmatchedOld": 25 * 60,
}
USUAL_FAULT_MINUTES: Final = 30
LONGEST_WAIT_MINUTES: Final = 70
"""No alarm waits longer, but those that look at a day."""


def simulated(healthy: Recording) -> Mapping[str, Mapping[str, str]]:
    """Return what takes too long, or a liar, to bring about: series that the daemon shows, with values of our own."""
    return {
        "HarvesterDown": {"up": "1x10 0x30"},
        "HarvesterProofsRefused": {'harvester_ton_proof_checks_total{result="unproven"}': "0x20 1x20"},
        "HarvesterErrors": {'harvester_http_requests_total{method="GET",route="/livez",status="500"}': "0x20 1x20"},
        "HarvesterRestarts": {"harvester_process_start_time_seconds": "1x10 2x5 3x5 4x20"},
        "HarvesterDetectionSlow": _slow(healthy, "harvester_detection_delay_seconds_bucket", 60),
        "HarvesterDatabaseSlow": _slow(healthy, "harvester_database_operation_duration_seconds_bucket", 5),
    }


def _slow(healthy: Recording, buckets: str, secs: float) -> Mapping[str, str]:
    """Let all that is observed take a little less than `secs`."""
    bounds = {name: float(name.partition('le="')[2].partition('"')[0]) for name in healthy.last if buckets in name}
    return {name: "0x10 0+100x30" if bound >= secs else "0x40" for name, bound in bounds.items()}


@dataclass(frozen=True)
class Case:
    """An alarm, and what is to make it fire."""

    alarm: str
    fault: Fault | None
    overrides: Mapping[str, str] = field(default_factory=dict)


async def assert_each_fires(healthy: Recording, cases: Sequence[Case], folder: Path) -> None:
    """Let promtool play all cases, and fail if one alarm does not fire, or any fires while all is well."""
    for case in cases:
        unknown = case.overrides.keys() - healthy.last.keys() - {"up"}
        assert not unknown, f"the daemon does not show {unknown}"
    path = folder / "alarms.yml"
    tests = [_calm(healthy), *(_fault(healthy, case) for case in cases)]
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES_PATH)], "evaluation_interval": "1m", "tests": tests}))
    process = await asyncio.create_subprocess_exec(
        str(PROMTOOL), "test", "rules", str(path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


def _calm(healthy: Recording) -> dict[str, Any]:
    series = play(healthy, LONGEST_WAIT_MINUTES, healthy, 1, _names())
    silent = {"expr": "ALERTS", "eval_time": f"{LONGEST_WAIT_MINUTES - 1}m", "exp_samples": []}
    return {"name": "all is well", "interval": "1m", "input_series": as_scraped(series), "promql_expr_test": [silent]}


def _fault(healthy: Recording, case: Case) -> dict[str, Any]:
    fault = case.fault.recording if case.fault else healthy
    minutes = FAULT_MINUTES.get(case.alarm, USUAL_FAULT_MINUTES)
    series = {**play(healthy, HEALTHY_MINUTES, fault, minutes, _names()), **case.overrides}
    fired = f'count_over_time(ALERTS{{alertstate="firing",alertname="{case.alarm}"}}[{minutes}m])'
    once = {
        "expr": f"group({fired})",
        "eval_time": f"{HEALTHY_MINUTES + minutes - 1}m",
        "exp_samples": [{"labels": "{}", "value": 1}],
    }
    name = f"{case.alarm} in {case.fault.name if case.fault else 'a simulation'}"
    return {"name": name, "interval": "1m", "input_series": as_scraped(series), "promql_expr_test": [once]}


def _names() -> set[str]:
    return {selector.name for rule in rules() for selector in selectors(rule["expr"])}
