"""The installation guide, followed step by step in a folder of its own, and what systemd would then start."""

import asyncio
import shlex
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path

import pytest

from tests.e2e.chain import Chain
from tests.e2e.daemon import Daemon, free_port
from tests.e2e.reader import ROOT, Reader, check_out
from tests.e2e.service_manager import ServiceManager

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture
def manager() -> Iterator[ServiceManager]:
    listener = ServiceManager()
    yield listener
    listener.close()


async def needs_packages(folder: Path) -> None:
    """Skip the test where no package index can be reached, as on a train."""
    command = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "0", "--timeout", "10")
    process = await asyncio.create_subprocess_exec(*command, "--dest", str(folder), "hatchling", stderr=DEVNULL)
    if await process.wait():
        pytest.skip("no package index can be reached")


async def test_the_guide_leads_to_a_service_that_is_ready(
    chain: Chain, database_uri: str, checkout_folder: Path, manager: ServiceManager
) -> None:
    root = checkout_folder / "install"  # deleted at the end: it is large
    root.mkdir()
    await needs_packages(root)
    await chain.ask("/deploy", {})
    places = ("/opt/harvester", "/etc/harvester", "/usr/local/sbin")
    stand_ins = {place: f"{root}{place}" for place in places} | {
        "python3 -m venv": f"mkdir -p {root}/opt {root}/usr/local/sbin; python3 -m venv",
        "postgresql://harvester:PASSWORD@127.0.0.1/harvester": database_uri,
        "UQ…": chain.recipient,
        "https://ton.org/global.config.json": str(chain.config_path),
    }
    quicker = {"PIP_CACHE_DIR": str(Path.home() / ".cache" / "pip"), "PIP_NO_COMPILE": "1"}
    reader = Reader(check_out(root), quicker, stand_ins)
    await reader.read("docs/how-to/install.md")
    assert "WRONG" not in reader.said

    daemon = service(root, manager)
    await daemon.start()
    try:
        assert any(word.startswith("STATUS=ready") for word in await manager.until("READY=1"))
        await manager.until("WATCHDOG=1")
        assert await daemon.stop() == 0
    finally:
        await daemon.kill()


def service(root: Path, manager: ServiceManager) -> Daemon:
    """Return what the unit starts, with what systemd gives it, in `root`."""
    unit = RawConfigParser(strict=False)
    unit.read(ROOT / "systemd" / "harvester.service")
    start, environment, credentials = (
        unit["Service"][name] for name in ("ExecStart", "EnvironmentFile", "LoadCredential")
    )
    identifier, _, folder = credentials.partition(":")
    loaded = root / "loaded"
    loaded.mkdir()
    for path in Path(f"{root}{folder}").iterdir():
        (loaded / f"{identifier}_{path.name}").write_bytes(path.read_bytes())
    program, *arguments = shlex.split(f"{root}{start}")
    assert arguments == ["run"]
    settings = dict(pair.split("=", 1) for pair in shlex.split(Path(f"{root}{environment}").read_text()))
    given = {
        "NOTIFY_SOCKET": manager.address,
        "WATCHDOG_USEC": "1000000",
        "CREDENTIALS_DIRECTORY": str(loaded),
        "STATE_DIRECTORY": str(root / "state"),
        "METRICS": f"127.0.0.1:{free_port()}",
    }
    return Daemon(settings | given, root, [program])
