"""docs/reference/cli.md and metrics.md are what the program says of itself: `make reference` writes them anew."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from prometheus_client import CollectorRegistry

from harvester.cli import harvester
from harvester.domain.events import EventType
from harvester.metrics import Metrics
from harvester_ton.metrics import TonMetrics

REFERENCE = Path(__file__).parents[2] / "docs/reference"
_WIDTH = 120
_KINDS = {"info": "_info", "counter": "_total"}


def commands(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """Every command below `command`, itself included, with its help."""
    width = {"terminal_width": _WIDTH, "max_content_width": _WIDTH}
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
    TonMetrics(registry)
    for metric in sorted(registry.collect(), key=lambda each: each.name):
        declared = getattr(registry._names_to_collectors[metric.name], "_labelnames", ())
        labels = ", ".join(f"`{label}`" for label in declared)
        yield f"| `{metric.name}{_KINDS.get(metric.type, '')}` | {metric.type} | {labels} | {metric.documentation} |"


def metric_page() -> str:
    """All metrics."""
    return (
        (
            "# Metrics\n\nWritten by `make reference` from the program. `/metrics` has a listener of its own (METRICS).\n"
            "What to watch, and what to do then: [operations.md](../operations.md).\n\n"
            "| name | type | labels | meaning |\n|---|---|---|---|\n"
        )
        + "\n".join(metric_rows())
        + "\n"
    )


@pytest.mark.parametrize(("name", "page"), [("cli.md", command_page), ("metrics.md", metric_page)])
def test_a_generated_page_is_up_to_date(name: str, page: object) -> None:
    assert callable(page)
    path, wanted = REFERENCE / name, page()
    if os.environ.get("WRITE_REFERENCE"):
        path.write_text(wanted)
    assert path.read_text() == wanted, f"{name} is not what the program says: run `make reference` and commit it"


def test_the_page_of_events_has_every_type_and_no_other() -> None:
    page = (REFERENCE / "events.md").read_text()
    assert re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", page, re.MULTILINE) == list(EventType)
