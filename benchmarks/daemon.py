"""The daemon as a merchant runs it: a process of its own, configured by environment, reached over HTTP."""

import asyncio
import base64
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
from nacl.signing import SigningKey

TOKEN = "benchmark"  # noqa: S105  of a daemon that lives for the run
RECIPIENT = "0:" + "81" * 32
_ANY_KEY = base64.b64encode(bytes(SigningKey(bytes(32)).verify_key)).decode()
_START_SECS = 60


@dataclass(frozen=True)
class Daemon:
    """A running daemon."""

    port: int
    pid: int
    log_path: Path

    def rss_mb(self) -> float:
        """Resident memory now, in MB."""
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    def cpu_secs(self) -> float:
        """CPU time used so far."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)


def free_port() -> int:
    """Return a port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running_daemon(uri: str, settings: Mapping[str, str]) -> AsyncIterator[Daemon]:
    """Run `harvester run` on the database at `uri`; yield it when its API answers."""
    port = free_port()
    defaults = {
        "PORT": str(port),
        "METRICS": "off",
        "TOKEN": TOKEN,
        "POSTGRES_URI": uri,
        "RECIPIENT": RECIPIENT,
        "LITE_SERVERS": f"127.0.0.1:{free_port()}:{_ANY_KEY}",
        "VERIFY": "none",
        "LOG_LEVEL": "WARN",
    }
    if "NETWORK_CONFIG" in settings:
        del defaults["LITE_SERVERS"], defaults["VERIFY"]
    with tempfile.TemporaryDirectory() as folder:
        log_path = Path(folder) / "log"
        with log_path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "harvester",
                "run",
                env=os.environ | defaults | dict(settings),
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        try:
            daemon = Daemon(port, process.pid, log_path)
            await _wait_until_it_answers(daemon, process)
            yield daemon
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _wait_until_it_answers(daemon: Daemon, process: asyncio.subprocess.Process) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        async with asyncio.timeout(_START_SECS):
            while True:
                if process.returncode is not None:
                    raise RuntimeError(f"the daemon did not start: {daemon.log_path.read_text()}")
                try:
                    url = f"http://127.0.0.1:{daemon.port}/tonpay/private/api/v1/invoices"
                    async with http.get(url) as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)
