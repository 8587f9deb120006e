"""The files of `deploy/` as tests read them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
RULES_PATH: Final = ROOT / "deploy" / "prometheus" / "harvester.rules.yml"
BOARD_PATH: Final = ROOT / "deploy" / "grafana" / "harvester.json"
OPERATIONS_PATH: Final = ROOT / "docs" / "operations.md"


def rules() -> list[dict[str, Any]]:
    """Return the alarms."""
    return [rule for group in yaml.safe_load(RULES_PATH.read_text())["groups"] for rule in group["rules"]]


def board() -> dict[str, Any]:
    """Return the board."""
    loaded: dict[str, Any] = json.loads(BOARD_PATH.read_text())
    return loaded


def queries() -> Iterator[tuple[str, str]]:
    """Yield (where, expression) of everything that the board asks Prometheus."""
    shown = board()
    for panel in shown["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", []))
    for annotation in shown["annotations"]["list"]:
        if "expr" in annotation:
            yield annotation["name"], annotation["expr"]


def filled_in(expression: str, window: str = "5m") -> str:
    """Return an expression of the board with everything for its variables."""
    return expression.replace("$__rate_interval", window).replace("$instance", ".*").replace("$chain", ".*")
