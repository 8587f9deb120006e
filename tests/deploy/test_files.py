"""The alarms and the board are what the documentation says, and understood by what reads them. No daemon is needed."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from harvester.clock import utc_now
from harvester.metrics import Metrics
from harvester.pulse import Pulses
from harvester_ton.metrics import TonMetrics
from tests.deploy.files import OPERATIONS_PATH, ROOT, RULES_PATH, board, filled_in, queries, rules
from tests.deploy.tools import PROMTOOL, needs_prometheus

SEVERITIES = {"critical", "warning", "info"}
ALARM_ROW = re.compile(r"^\| `(Harvester\w+)` \| (\w+) \|", re.MULTILINE)


def test_the_documentation_explains_each_alarm_and_no_other() -> None:
    explained = ALARM_ROW.findall(OPERATIONS_PATH.read_text())
    assert sorted(explained) == sorted((rule["alert"], rule["labels"]["severity"]) for rule in rules())


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alarm_says_how_bad_it_is_and_what_is_the_matter(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in SEVERITIES
    assert rule["annotations"]["summary"]
    used = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    grouped = re.search(r"\bby\s*\(([^)]*)\)", str(rule["expr"]))
    kept = {label.strip() for label in grouped[1].split(",")} if grouped else {"instance", "loop"}
    assert used <= kept, "a label that the expression does not keep is empty"


def test_panels_have_ids_and_places_of_their_own() -> None:
    panels = board()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_everything_on_the_board_can_be_narrowed_to_a_process_and_comes_from_the_chosen_source() -> None:
    shown = board()
    assert {variable["name"] for variable in shown["templating"]["list"]} == {"datasource", "instance", "chain"}
    assert all("$instance" in expression for _, expression in queries() if "ALERTS" not in expression)
    for panel in shown["panels"]:
        for target in panel.get("targets", []):
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@needs_prometheus
def test_promtool_has_nothing_to_remark_on_the_names_of_the_metrics() -> None:
    registry = CollectorRegistry()
    Metrics(registry, "test")
    Pulses(registry, utc_now)
    TonMetrics(registry)
    shown = generate_latest(registry)
    done = subprocess.run(
        [str(PROMTOOL), "check", "metrics"], input=shown, capture_output=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@needs_prometheus
def test_promtool_understands_the_alarms_the_board_and_the_configuration(tmp_path: Path) -> None:
    asked = [{"record": f"board:{n}", "expr": filled_in(expression)} for n, (_, expression) in enumerate(queries())]
    board_path = tmp_path / "board.yml"
    board_path.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": asked}]}))
    for check, path in (
        ("rules", RULES_PATH),
        ("rules", board_path),
        ("config", ROOT / "deploy" / "prometheus" / "prometheus.yml"),
    ):
        done = subprocess.run(
            [str(PROMTOOL), "check", check, str(path)], capture_output=True, text=True, check=False, timeout=30
        )
        assert done.returncode == 0, done.stdout + done.stderr
