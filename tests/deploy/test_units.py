"""The units of systemd: understood, confined, in agreement with the program, and enough to run it."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Final

import pytest

from harvester.api.app import SHUTDOWN_SECS
from harvester.cli.failures import CONFIG
from harvester.supervision import GRACE_SECS
from tests.deploy.files import ROOT
from tests.e2e.daemon import Daemon
from tests.e2e.memory_adapter import install
from tests.e2e.service_manager import ServiceManager

UNITS: Final = sorted((ROOT / "systemd").glob("*.service"))
MOST_EXPOSURE: Final = 2.0
ANALYZE: Final = shutil.which("systemd-analyze")
needs_systemd: Final = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
_PROGRAM: Final = re.compile(r"^(Exec\w+=)\S+", re.MULTILINE)


def analyze(*arguments: str) -> str:
    """Run systemd-analyze, which must be content; return what it says."""
    done = subprocess.run([str(ANALYZE), *arguments], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def service(name: str) -> dict[str, str]:
    """Return the section [Service] of a unit; of what is there several times, the last."""
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names are as they are written
    parser.read(ROOT / "systemd" / f"{name}.service")
    return dict(parser["Service"])


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_has_nothing_to_remark_on_the_unit(unit: Path, tmp_path: Path) -> None:
    """The programs that it starts are not installed here: another takes their place."""
    (tmp_path / unit.name).write_text(_PROGRAM.sub(r"\1/bin/true", unit.read_text()))
    assert analyze("verify", "--man=no", str(tmp_path / unit.name)) == ""


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_unit_is_confined(unit: Path) -> None:
    said = analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSURE * 10:.0f}", "--no-pager", str(unit))
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert exposure is not None
    assert float(exposure[1]) < MOST_EXPOSURE


def test_the_unit_gives_the_program_the_time_it_takes_and_knows_its_status() -> None:
    unit = service("harvester")
    assert int(unit["TimeoutStopSec"]) > GRACE_SECS + SHUTDOWN_SECS
    assert int(unit["RestartPreventExitStatus"]) == CONFIG
    assert (unit["Type"], unit["NotifyAccess"], unit["Restart"]) == ("notify", "main", "on-failure")


@pytest.mark.parametrize(("configured", "expected"), [(CONFIG, CONFIG), (0, 7)], ids=["wrong setting", "all well"])
def test_the_site_ends_as_what_has_failed_so_that_a_wrong_setting_is_not_tried_again_for_ever(
    tmp_path: Path, configured: int, expected: int
) -> None:
    """RestartPreventExitStatus= is of the main process: a wrong setting in ExecStartPre= would be started again."""
    unit = service("harvester-site")
    assert "ExecStartPre" not in unit
    assert int(unit["RestartPreventExitStatus"]) == CONFIG
    for name, status in (("harvester", configured), ("tonutils-reverse-proxy", 7)):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\nexit {status}\n")
        program.chmod(0o700)
    command = shlex.split(unit["ExecStart"].replace("/opt/harvester/bin", str(tmp_path)))
    assert subprocess.run(command, check=False).returncode == expected


def test_both_units_of_the_program_are_confined_alike() -> None:
    daemon, migrate = service("harvester"), service("harvester-migrate")
    start = list(daemon).index("User")
    assert {name: daemon[name] for name in list(daemon)[start:]} == {
        name: migrate[name] for name in list(migrate)[list(migrate).index("User") :]
    }


@pytest.fixture
def manager() -> Iterator[ServiceManager]:
    listener = ServiceManager()
    yield listener
    listener.close()


async def test_the_unit_starts_the_daemon_with_credentials_and_hears_that_it_is_ready_and_stops(
    tmp_path: Path, database_uri: str, manager: ServiceManager
) -> None:
    """As systemd would: a file of the folder in LoadCredential= is called by its identifier, `_`, and its own name."""
    unit = service("harvester")
    identifier, _, _folder = unit["LoadCredential"].partition(":")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name, value in (("token", "sesame-open"), ("postgres_uri", database_uri)):
        (credentials / f"{identifier}_{name}").write_text(value + "\n")
    _, subcommand = unit["ExecStart"].split()
    assert subcommand == "run"
    given = {
        "NOTIFY_SOCKET": manager.address,
        "WATCHDOG_USEC": str(int(unit["WatchdogSec"]) * 1_000_000),
        "CREDENTIALS_DIRECTORY": str(credentials),
        "STATE_DIRECTORY": str(tmp_path),
    }
    daemon = Daemon(install(tmp_path / "site") | given, tmp_path)
    await daemon.start()
    try:
        heard = await manager.until("READY=1")
        heard += await manager.until("WATCHDOG=1")
        assert await daemon.stop() == 0
        heard += await manager.until("STOPPING=1")
    finally:
        await daemon.kill()
    assert "sesame-open" not in daemon.log
    assert any(word.startswith("STATUS=ready") for word in heard)
