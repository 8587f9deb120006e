"""A running daemon shows what the alarms and the board ask for, and each alarm fires when its fault happens."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml

from tests.deploy.faults import record_faults
from tests.deploy.files import RULES_PATH, filled_in, queries, rules
from tests.deploy.firing import Case, assert_each_fires, simulated
from tests.deploy.promql import Series, grouping, selectors
from tests.deploy.recording import Recording
from tests.deploy.shop import Shop, open_shop
from tests.deploy.tools import PROMETHEUS, needs_prometheus
from tests.e2e.daemon import free_port
from tests.e2e.eventually import eventually

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]

WINDOW = "10s"
_SAMPLE = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with open_shop(postgres_uri, tmp_path_factory.mktemp("shop")) as opened:
        yield opened


def shown(recording: Recording) -> list[Series]:
    """Return the series of a scrape."""
    return [(name.partition("{")[0], frozenset(_SAMPLE.findall(name.partition("{")[2]))) for name in recording.last]


async def test_a_daemon_shows_every_series_that_an_alarm_or_the_board_asks_for(shop: Shop) -> None:
    there = shown(shop.healthy)
    asked = [*queries(), *((rule["alert"], rule["expr"]) for rule in rules())]
    for where, expression in asked:
        found = selectors(filled_in(expression))
        assert found, where
        for selector in found:
            if selector.name in {"up", "ALERTS"}:
                continue
            series = [each for each in there if selector.selects(each)]
            assert series, f"{where}: nothing is {selector}"
            labels = {label for _, pairs in series for label, _ in pairs}
            assert grouping(expression) <= labels, f"{where}: {series[0]}"


@asynccontextmanager
async def prometheus(shop: Shop, folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Run a Prometheus with our alarms on the shop's daemon; yield a session with it."""
    place = f"127.0.0.1:{free_port()}"
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"},
        "rule_files": [str(RULES_PATH)],
        "scrape_configs": [
            {"job_name": "harvester", "static_configs": [{"targets": [shop.world.daemon.settings["METRICS"]]}]}
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    options = {"config.file": folder / "prometheus.yml", "storage.tsdb.path": folder / "data"}
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(PROMETHEUS),
            f"--web.listen-address={place}",
            *(f"--{name}={value}" for name, value in options.items()),
            stdout=log,
            stderr=log,
        )
    try:
        async with aiohttp.ClientSession(f"http://{place}") as session:
            yield session
    finally:
        process.terminate()
        await process.wait()


@needs_prometheus
async def test_a_real_prometheus_scrapes_it_answers_every_panel_and_raises_no_alarm(shop: Shop, tmp_path: Path) -> None:
    async with prometheus(shop, tmp_path) as session:

        async def ask(path: str, **parameters: str) -> Any:
            async with session.get(f"/api/v1/{path}", params=parameters) as answer:
                return (await answer.json())["data"]

        async def ready() -> bool:
            with suppress(aiohttp.ClientConnectionError):  # it may not listen yet
                async with session.get("/-/ready") as answer:
                    return answer.status == 200
            return False

        async def seen_twice() -> bool:
            found = await ask("query", query=f"count_over_time(harvester_ready[{WINDOW}])")
            return any(int(each["value"][1]) >= 2 for each in found["result"])

        await eventually(ready, "Prometheus is ready")
        await eventually(seen_twice, "two scrapes")
        for where, expression in queries():
            found = await ask("query", query=filled_in(expression, WINDOW))
            assert found["result"] or "ALERTS" in expression or where == "Starts", where
        for group in (await ask("rules"))["groups"]:
            for rule in group["rules"]:
                assert rule["health"] in {"ok", "unknown"}, rule
        firing = [alert["labels"]["alertname"] for alert in (await ask("alerts"))["alerts"]]
        assert firing == []


@needs_prometheus
async def test_each_alarm_fires_in_its_fault_and_none_while_all_is_well(shop: Shop, tmp_path: Path) -> None:
    """Those that no test can bring about in seconds are simulated, on the series that the daemon shows."""
    recorded = await record_faults(shop)
    cases = [Case(alarm, fault) for fault in recorded for alarm in fault.alarms]
    cases += [Case(alarm, None, overrides) for alarm, overrides in simulated(shop.healthy).items()]
    assert {case.alarm for case in cases} == {rule["alert"] for rule in rules()}
    await assert_each_fires(shop.healthy, cases, tmp_path)
