"""docs/operations.md names nothing that is not there."""

import re
from pathlib import Path

import click
from prometheus_client import CollectorRegistry

from harvester.cli import harvester
from harvester.clock import utc_now
from harvester.metrics import Metrics
from harvester.pulse import Pulses
from harvester_ton.metrics import TonMetrics

TEXT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
_SUFFIX = re.compile(r"_(total|bucket|count|sum|info)$")


def test_every_metric_it_names_is_shown() -> None:
    registry = CollectorRegistry()
    Metrics(registry, "test")
    Pulses(registry, utc_now)
    TonMetrics(registry)
    known = {_SUFFIX.sub("", metric.name) for metric in registry.collect()}
    named = {_SUFFIX.sub("", name) for name in re.findall(r"\bharvester_[a-z_]+[a-z]", TEXT)} - {"harvester_restored"}
    assert named
    assert named <= known


def test_every_command_it_names_can_be_called() -> None:
    called = {tuple(words.split()) for words in re.findall(r"`harvester ([a-z]+(?: [a-z-]+)?)[ `]", TEXT)}
    assert len(called) > 5
    for words in called:
        command: click.Command | None = harvester
        for word in words:
            if isinstance(command, click.Group):
                command = command.get_command(click.Context(command), word)
            assert command is not None, words
