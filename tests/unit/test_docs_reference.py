"""Pages that are what the program says of itself: `make reference` writes them anew."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from prometheus_client import CollectorRegistry

from harvester.cli import harvester
from harvester.clock import utc_now
from harvester.domain.events import EventType
from harvester.metrics import Metrics
from harvester.pulse import Pulses
from harvester_ton.metrics import TonMetrics
from tests.unit.http_file import HttpFile

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference"
_WIDTH = 120
_KINDS = {"info": "_info", "counter": "_total"}


def commands(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """Every command below `command`, itself included, with its help."""
    width = {"terminal_width": _WIDTH, "max_content_width": _WIDTH}
    command._help_option = None  # click keeps the one of the first call, which another test may have made alone
    context = click.Context(command, parent, name, **{**command.context_settings, **width})
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            assert below is not None
            yield from commands(below, each, context)


def command_page() -> str:
    """Everything that `--help` says."""
    parts = (f"## {name}\n\n```text\n{text}\n```\n" for name, text in commands(harvester, "harvester"))
    return (
        "# Command line\n\nWritten by `make reference` from what `--help` says.\n\n"
        "Exit status: 0 done, 1 not done (one line says why), 2 a wrong option, 70 a defect, 78 a wrong setting, "
        "130 interrupted.\n\n"
    ) + "\n".join(parts)


def metric_rows() -> Iterator[str]:
    """A row for each metric."""
    registry = CollectorRegistry()
    Metrics(registry, "test")
    Pulses(registry, utc_now)
    TonMetrics(registry)
    for metric in sorted(registry.collect(), key=lambda each: each.name):
        declared = getattr(registry._names_to_collectors.get(metric.name), "_labelnames", ())
        labels = ", ".join(f"`{label}`" for label in declared)
        yield f"| `{metric.name}{_KINDS.get(metric.type, '')}` | {metric.type} | {labels} | {metric.documentation} |"


def metric_page() -> str:
    """All metrics."""
    return (
        (
            "# Metrics\n\nWritten by `make reference` from the program. "
            "`/metrics` has a listener of its own (METRICS).\n"
            "What to watch, and what to do then: [operations.md](../operations.md).\n\n"
            "| name | type | labels | meaning |\n|---|---|---|---|\n"
        )
        + "\n".join(metric_rows())
        + "\n"
    )


def http_file() -> str:
    """Every call, for editors that send requests from a file."""
    return HttpFile(json.loads((ROOT / "harvester/api/openapi.json").read_text())).text()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (REFERENCE / "cli.md", command_page),
        (REFERENCE / "metrics.md", metric_page),
        (ROOT / "examples/harvester.http", http_file),
    ],
    ids=["commands", "metrics", "requests"],
)
def test_a_generated_page_is_up_to_date(path: Path, content: Callable[[], str]) -> None:
    wanted = content()
    if os.environ.get("WRITE_REFERENCE"):
        path.write_text(wanted)
    assert path.read_text() == wanted, f"{path.name} is not what the program says: run `make reference` and commit it"


def test_the_page_of_events_has_every_type_and_no_other() -> None:
    page = (REFERENCE / "events.md").read_text()
    assert re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", page, re.MULTILINE) == list(EventType)
