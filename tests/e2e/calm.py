"""What a daemon costs and says while something is wrong: no busy loop, no flood of lines, and metrics that are true."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.daemon import Daemon

MOST_CPU_SHARE = 0.6
"""Of one core, over the length of a fault. A daemon on a chain of four blocks a second needs a quarter of that."""
CPU_TO_NOTICE_SECS = 0.5
"""For what happens once: errors with their traces, new connections."""
MOST_LINES = 24
"""For a fault of less than a minute: each of ten places may complain once, and say once that it goes on."""


@dataclass
class Watched:
    """What a daemon said while it was watched."""

    lines: list[dict[str, object]] = field(default_factory=list)

    @property
    def messages(self) -> list[str]:
        """The sentences of its log."""
        return [str(line["message"]) for line in self.lines]


@asynccontextmanager
async def calm(daemon: Daemon) -> AsyncIterator[Watched]:
    """Fail if the daemon works or talks too much inside the block."""
    process, watched = _process(daemon), Watched()
    cpu_secs, started, said = _cpu_secs(process), time.monotonic(), len(daemon.log.splitlines())
    yield watched
    cpu_secs, secs = _cpu_secs(process) - cpu_secs, time.monotonic() - started
    watched.lines = [json.loads(line) for line in daemon.log.splitlines()[said:]]
    assert cpu_secs < CPU_TO_NOTICE_SECS + MOST_CPU_SHARE * secs, f"{cpu_secs:.2f} s of CPU in {secs:.2f} s"
    assert len(watched.lines) <= MOST_LINES, "\n".join(map(str, watched.lines))


async def metrics(daemon: Daemon) -> dict[str, float]:
    """Return the samples that the daemon shows: `name` or `name{label="value"}`, to their values."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{daemon.settings['METRICS']}/metrics") as answer,
    ):
        text = await answer.text()
    return {
        sample.name + _labels(sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}" if labels else ""


def _process(daemon: Daemon) -> psutil.Process:
    assert daemon._process is not None
    return psutil.Process(daemon._process.pid)


def _cpu_secs(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
