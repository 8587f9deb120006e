"""Loops that go round, and those that do not."""

import asyncio
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry

from harvester.chain import Pulse
from harvester.pulse import PATIENCE_SECS, Pulses

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SUCCESS = "harvester_loop_last_success_timestamp_seconds"


class Rig:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.secs = 0.0
        self.time = NOW.timestamp()
        self.pulses = Pulses(self.registry, lambda: datetime.fromtimestamp(self.time, UTC), lambda: self.secs)

    def success(self, loop: str) -> float | None:
        return self.registry.get_sample_value(SUCCESS, {"loop": loop})


async def test_a_loop_that_beats_does_not_hang_whether_it_succeeds_or_not() -> None:
    rig = Rig()
    with rig.pulses.watched("scan") as pulse:
        for _ in range(10):
            rig.secs += PATIENCE_SECS
            pulse.beat()
            assert rig.pulses.hung() == []


async def test_a_loop_that_is_silent_hangs_until_it_beats_and_others_do_not() -> None:
    rig = Rig()
    with rig.pulses.watched("scan") as silent, rig.pulses.watched("deliveries") as lively:
        rig.secs += PATIENCE_SECS + 1
        lively.beat()
        assert rig.pulses.hung() == ["scan"]
        silent.beat()
        assert rig.pulses.hung() == []


async def test_a_loop_that_has_ended_is_not_waited_for() -> None:
    rig = Rig()
    with rig.pulses.watched("scan"):
        pass
    rig.secs += PATIENCE_SECS + 1
    assert rig.pulses.hung() == []
    assert rig.success("scan") is None


async def test_the_last_success_is_at_first_the_start_and_moves_by_successes_alone() -> None:
    rig = Rig()
    with rig.pulses.watched("scan") as pulse:
        assert rig.success("scan") == NOW.timestamp()
        rig.time += 5
        pulse.beat()
        assert rig.success("scan") == NOW.timestamp()
        pulse.success()
        assert rig.success("scan") == NOW.timestamp() + 5


async def test_of_several_loops_of_one_name_each_must_beat_and_the_metric_stays_until_the_last_ends() -> None:
    rig = Rig()
    with rig.pulses.watched("scan") as first:
        with rig.pulses.watched("scan"):
            rig.secs += PATIENCE_SECS + 1
            first.beat()
            assert rig.pulses.hung() == ["scan"]
        assert rig.pulses.hung() == []
        assert rig.success("scan") == NOW.timestamp()


async def test_a_loop_that_hangs_is_logged_once_with_the_lines_where_it_waits() -> None:
    rig, beat = Rig(), asyncio.Event()

    async def wait_for_ever() -> None:
        await beat.wait()  # here

    async def loop(pulse: Pulse) -> None:
        await wait_for_ever()
        pulse.beat()

    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(rig.pulses.over("scan", loop))
        await asyncio.sleep(0)
        rig.secs += PATIENCE_SECS + 1
        assert rig.pulses.hung() == rig.pulses.hung() == ["scan"]
        beat.set()
        await task
    (hangs, goes_on) = logs
    assert (hangs["log_level"], hangs["loop"]) == ("critical", "scan")
    assert [place.split()[1].rsplit(".")[-1] for place in hangs["waits_at"]] == [
        "over",
        "loop",
        "wait_for_ever",
        "wait",
    ]
    assert all(place.startswith("test_pulse.py:") for place in hangs["waits_at"][1:3])
    assert goes_on["log_level"] == "warning"
