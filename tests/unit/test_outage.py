"""What is said of troubles that come and go: at most two lines a minute, and the truth at any time."""

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from harvester.domain.errors import Unavailable
from harvester.services import outage
from harvester.services.outage import Outage
from harvester_ton import status
from harvester_ton.metrics import TonMetrics
from harvester_ton.status import AccountStatus

FLAPS = 20


class Time:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    stopped = Time()
    monkeypatch.setattr(outage, "time", stopped)
    monkeypatch.setattr(status, "time", stopped)
    return stopped


def test_an_outage_that_comes_and_goes_is_told_once_a_minute(time: Time) -> None:
    loop = Outage("test")
    with capture_logs() as log:
        for _ in range(FLAPS):
            assert loop.retry_secs(Unavailable("away")) <= 0.1
            assert loop.trouble == "away"
            loop.over()
            assert loop.trouble is None
        assert [line["log_level"] for line in log] == ["warning", "info"]
        time.now += 61
        loop.retry_secs(Unavailable("away"))
    assert [line["log_level"] for line in log] == ["warning", "info", "warning"]


def test_a_long_outage_is_tried_ever_more_slowly_and_told_once_a_minute(time: Time) -> None:
    loop = Outage("test")
    with capture_logs() as log:
        waits = [loop.retry_secs(Unavailable("away")) for _ in range(FLAPS)]
        time.now += 61
        loop.retry_secs(Unavailable("away"))
        loop.over()
    assert 2.5 <= waits[-1] <= 5
    assert [line["log_level"] for line in log] == ["warning", "warning", "info"]


async def test_a_scan_that_is_held_up_again_and_again_is_told_once_a_minute(
    time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "RETRY_WAIT", lambda _state: 0.0)
    account = AccountStatus("TON", TonMetrics(CollectorRegistry()))
    fails = iter([True, False] * FLAPS)

    async def work() -> None:
        if next(fails):
            raise Unavailable("away")

    with capture_logs() as log:
        for _ in range(FLAPS):
            await account.insist(work)
            assert account.trouble is None
        assert len(log) == 2
        time.now += 61
        fails = iter([True, False])
        await account.insist(work)
    assert len(log) == 4
