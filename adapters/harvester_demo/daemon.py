"""`harvester run` as a process of its own, the way a merchant runs it."""

import asyncio
import ctypes
import functools
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import aiohttp

from harvester.domain.errors import Unavailable

START_SECS: Final = 30.0
STOP_SECS: Final = 40.0
"""Longer than the daemon gives itself to finish its work."""
_POLL_SECS: Final = 0.05
_PR_SET_PDEATHSIG: Final = 1
# Nothing else of our surroundings is passed on: settings of a real daemon must not reach this one.
_SURROUNDINGS: Final = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")

T = TypeVar("T")


class DaemonProcess:
    """A running daemon."""

    def __init__(self, process: asyncio.subprocess.Process, log_path: Path) -> None:
        self._process = process
        self.log_path = log_path
        self.addresses: Mapping[str, str] = {}
        """`host:port` that it listens on, by setting: PORT and METRICS."""

    @property
    def url(self) -> str:
        """Of the API, without a slash behind it."""
        return f"http://{self.addresses['PORT']}"

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Mapping[str, str], folder: Path) -> AsyncIterator[Self]:
        """Start a daemon with `settings` and nothing else, and yield it when it listens; stop it in the end.

        It works in `folder`, where `daemon.log` is written: an `.env` elsewhere does not reach it.

        Raises:
            Unavailable: it ended instead.
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
            daemon = cls(process, log_path)
            daemon.addresses = await daemon.while_it_runs(daemon._listening())
            yield daemon
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
        return self._log().strip().rpartition("\n")[2] or "it logged nothing"

    async def _listening(self) -> Mapping[str, str]:
        """Return the addresses once there are all, from the log: with port 0 only the daemon knows them."""
        give_up_at = time.monotonic() + START_SECS
        while time.monotonic() < give_up_at:
            found = {line["setting"]: line["addresses"][0] for line in _lines(self._log()) if "addresses" in line}
            if found.keys() >= {"PORT", "METRICS"}:
                return found
            await asyncio.sleep(_POLL_SECS)
        raise Unavailable(f"the daemon does not listen after {START_SECS:.0f} s: {self.last_line()}")

    def _log(self) -> str:
        return self.log_path.read_text(errors="replace")


def _lines(log: str) -> list[dict[str, Any]]:
    """The lines that are complete; those of the daemon are JSON, what the interpreter itself says is not."""
    return [json.loads(line) for line in log.splitlines(keepends=True) if line.startswith("{") and line.endswith("\n")]


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
