"""`harvester run` as a process of its own, the way a merchant runs it, for demos and tests on the local chain."""

import asyncio
import ctypes
import functools
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import aiohttp

from harvester.domain.errors import Unavailable

STOP_SECS: Final = 30.0
_POLL_SECS: Final = 0.05
_LOG_TAIL_BYTES: Final = 4096
_LOOPBACK: Final = "127.0.0.1"
_PR_SET_PDEATHSIG: Final = 1
# Nothing else of our surroundings is passed on: settings of a real daemon must not reach this one.
_SURROUNDINGS: Final = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")

T = TypeVar("T")


class DaemonProcess:
    """A running daemon."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, log_path: Path) -> None:
        self.url = url
        """Of the API, without a slash behind it."""
        self._process = process
        self.log_path = log_path

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Mapping[str, str], folder: Path) -> AsyncIterator[Self]:
        """Start a daemon with `settings` and nothing else, PORT among them; stop it in the end.

        It works in `folder`, where `daemon.log` is written: an `.env` elsewhere does not reach it.
        """
        log_path = folder / "daemon.log"
        environ = {name: os.environ[name] for name in _SURROUNDINGS if name in os.environ}
        with log_path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "harvester", "run"),
                cwd=folder,
                env=environ | dict(settings),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: the daemon is stopped in its turn
                preexec_fn=_die_with_parent(),
            )
        try:
            yield cls(process, f"http://{_LOOPBACK}:{settings['PORT']}", log_path)
        finally:
            await _stop(process)

    async def ready(self) -> None:
        """Return when `/readyz` says so."""
        async with aiohttp.ClientSession() as session:
            while not await _is_ready(session, self.url):  # noqa: ASYNC110 - another process sets no event of ours
                await asyncio.sleep(_POLL_SECS)

    async def while_it_runs(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` returns.

        Raises:
            Unavailable: the daemon has ended first, which cancels `work`.
        """
        task, ended = asyncio.ensure_future(work), asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Unavailable(f"the daemon ended with status {ended.result()}: {self.last_line()}")
            return task.result()
        finally:
            task.cancel()
            ended.cancel()
            await asyncio.wait({task, ended})

    def last_line(self) -> str:
        """Return the newest line of its log."""
        tail = self.log_path.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
        return tail.rpartition("\n")[2] or "it logged nothing"


def free_port(preferred: int) -> int:
    """Return `preferred` if nobody listens there on the loopback interface, else a port that is free now."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Unavailable("no TCP port is free")


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _die_with_parent() -> Callable[[], object] | None:
    """Return what asks Linux to stop a child when its parent is killed, which then cannot do it itself."""
    if sys.platform != "linux":
        return None
    return functools.partial(ctypes.CDLL(None).prctl, _PR_SET_PDEATHSIG, signal.SIGTERM)
