"""The watchdog of systemd: fed while every loop goes round, whatever is away outside; not fed when one hangs."""

import json
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.memory_adapter import install
from tests.e2e.service_manager import ServiceManager
from tests.e2e.trapped import BLOCK, PATIENCE_SECS
from tests.proxy import proxied

WATCHDOG_SECS = 3.0
TRAPS = {
    "memory scan": "tests.memory_chain:MemoryChain.scan",
    "lease memory": "harvester.storage.leases:LeaseSession.renew",
    "deliveries": "harvester.storage.deliveries:claim",
    "housekeeping": "harvester.counting:walk_on",
    "readiness": "harvester.housekeeping:Watch._look_at_database",
}


@pytest.fixture
def manager() -> Iterator[ServiceManager]:
    listener = ServiceManager()
    yield listener
    listener.close()


@pytest.fixture
async def daemon(tmp_path: Path, database_uri: str, manager: ServiceManager) -> AsyncIterator[Daemon]:
    settings = install(tmp_path / "site") | {
        "TOKEN": "sesame-open",
        "POSTGRES_URI": database_uri,
        "NOTIFY_SOCKET": manager.address,
        "WATCHDOG_USEC": str(int(WATCHDOG_SECS * 1_000_000)),
        "TRAP_FLAG": str(tmp_path / "trap"),
        "TRAP": TRAPS["deliveries"],
    }
    made = Daemon(settings, tmp_path, (sys.executable, "-m", "tests.e2e.trapped"))
    yield made
    await made.kill()


def hang(daemon: Daemon) -> None:
    Path(daemon.settings["TRAP_FLAG"]).touch()


def free(daemon: Daemon) -> None:
    Path(daemon.settings["TRAP_FLAG"]).unlink()


def told(daemon: Daemon) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in daemon.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["message"].startswith("a loop hangs")]


@pytest.mark.parametrize("loop", sorted(TRAPS.keys() - {"readiness"}))
async def test_a_loop_that_hangs_is_named_and_ends_the_feeding_so_that_a_restart_mends_it(
    daemon: Daemon, manager: ServiceManager, loop: str
) -> None:
    daemon.settings["TRAP"] = TRAPS[loop]
    await daemon.start()
    await manager.until("READY=1")
    hang(daemon)
    heard = await manager.guard(daemon, WATCHDOG_SECS)
    assert f"STATUS=the loop {loop} hangs" in "\n".join(heard)
    line = told(daemon)[0]  # those that hang because of it may be named after it
    assert (line["level"], line["loop"]) == ("critical", loop)
    assert any("trapped.py" in place for place in line["waits_at"])

    free(daemon)
    await daemon.start()
    await manager.until("READY=1")


@pytest.mark.parametrize("kind", ["", BLOCK])
async def test_nothing_is_fed_when_the_loop_that_feeds_or_the_event_loop_hangs(
    daemon: Daemon, manager: ServiceManager, kind: str
) -> None:
    daemon.settings |= {"TRAP": TRAPS["readiness"], "TRAP_KIND": kind}
    await daemon.start()
    await manager.until("READY=1")
    hang(daemon)
    await manager.guard(daemon, WATCHDOG_SECS)
    assert "Fatal Python error: Aborted" in daemon.log
    assert (" in trap\n" in daemon.log) is (kind == BLOCK), "what blocks is on the stack"


async def test_a_database_that_is_away_for_long_is_no_reason_to_be_killed(
    daemon: Daemon, manager: ServiceManager, database_uri: str
) -> None:
    async with proxied(database_uri) as way:
        daemon.settings["POSTGRES_URI"] = way.uri
        await daemon.start()
        await manager.until("READY=1")
        await way.cut()
        await manager.until("STATUS=the database does not answer")
        assert await manager.longest_silence(2 * PATIENCE_SECS) < WATCHDOG_SECS
        await way.restore()
        await manager.until("STATUS=ready")
    assert told(daemon) == []


async def test_without_a_watchdog_it_ends_itself_when_a_loop_hangs(daemon: Daemon, manager: ServiceManager) -> None:
    """As in a container: what has ended is started again, what hangs is not."""
    del daemon.settings["WATCHDOG_USEC"]
    await daemon.start()
    await manager.until("READY=1")
    hang(daemon)
    assert daemon._process is not None
    assert await daemon._process.wait() == -signal.SIGABRT
    last = [line for line in daemon.log.splitlines() if line.startswith("{")][-1]
    assert json.loads(last)["loops"] == ["deliveries"]


async def test_a_start_that_hangs_is_given_no_more_time(daemon: Daemon, manager: ServiceManager) -> None:
    """The manager ends it when what was asked for is over."""
    hang(daemon)
    daemon.settings["MEMORY_FAULT"] = "sick"
    await daemon.start()
    await manager.until("EXTEND_TIMEOUT_USEC=")
    await manager.until("STATUS=the loop deliveries hangs")
    heard = await manager.guard(daemon, WATCHDOG_SECS)
    assert not [word for word in heard if word.startswith("EXTEND_TIMEOUT_USEC=")]
