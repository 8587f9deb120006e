"""`harvester run` and other commands as processes, as an operator runs them."""

import asyncio
import contextlib
import functools
import itertools
import os
import secrets
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import aiohttp

from tests.e2e.starter import Forked, start

START_SECS = 30.0
STOP_SECS = 60.0
"""Longer than any grace that it has: who waits so long waits for ever."""
POLL_SECS = 0.02
COMMAND = (sys.executable, "-m", "harvester")


def free_port() -> int:
    """Return a free port that no other test gets, also before it is used and while its daemon is down."""
    while True:
        port = next(_ports())
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@functools.cache
def _ports() -> Iterator[int]:
    """Ports of this test worker, below those that systems give to who asks for any. Other runs begin elsewhere."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ours = deque(range(20_000 + worker % 8 * 1_500, 21_500 + worker % 8 * 1_500))
    ours.rotate(secrets.randbelow(len(ours)))
    return itertools.cycle(ours)


def clean_environ() -> dict[str, str]:
    """The surroundings without anything that could be a setting."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


async def harvester(*arguments: str, environ: Mapping[str, str], folder: Path) -> tuple[int, str, str]:
    """Run a command to its end; return its status, standard output and standard error."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = await start(arguments, clean_environ() | dict(environ), folder, stdout, stderr)
        status = await process.wait()
        return status, read(stdout), read(stderr)


def read(file: IO[bytes]) -> str:
    """Return all that was written to a file that others write to."""
    file.seek(0)
    return file.read().decode()


class Daemon:
    """A daemon that can be started, killed and started again with the same settings."""

    def __init__(self, settings: Mapping[str, str], folder: Path, command: Sequence[str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {"PORT": str(self.port), "METRICS": "off", **settings}
        self.folder = folder
        self._command = command
        self._process: Process | Forked | None = None

    @property
    def log(self) -> str:
        """Everything it and its predecessors have logged."""
        return (self.folder / "daemon.log").read_text()

    async def start(self) -> None:
        """Start it; it may not be ready yet."""
        environ = clean_environ() | self.settings
        with (self.folder / "daemon.log").open("ab") as log:
            if self._command is None:
                self._process = await start(["run"], environ, self.folder, log, log)
                return
            self._process = await asyncio.create_subprocess_exec(
                *self._command, "run", cwd=self.folder, env=environ, stdin=DEVNULL, stdout=log, stderr=log
            )

    async def start_ready(self) -> None:
        """Start it and wait until it says that it is ready."""
        await self.start()
        await self.until_readiness(lambda status, _body: status == 200)

    async def until_readiness(self, condition: Callable[[int, dict[str, object]], bool]) -> None:
        """Return when status and body of `/readyz` meet the condition; fail if that takes too long."""
        seen: object = None
        try:
            async with asyncio.timeout(START_SECS), aiohttp.ClientSession() as session:
                while True:
                    with contextlib.suppress(aiohttp.ClientError):  # it may not listen yet
                        async with session.get(f"{self.url}/readyz") as answer:
                            seen = await answer.json()
                            if condition(answer.status, await answer.json()):
                                return
                    await self._pause()
        except TimeoutError:
            raise AssertionError(f"not within {START_SECS:g} s; last seen: {seen}\n{self.log}") from None

    async def kill(self) -> None:
        """SIGKILL: nothing can be tidied up."""
        await self.end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM; return the exit status. Fails if that does not end it."""
        try:
            async with asyncio.timeout(STOP_SECS):
                return await self.end(signal.SIGTERM)
        except TimeoutError:
            raise AssertionError(f"still there {STOP_SECS:g} s after SIGTERM\n{self.log}") from None

    def pause(self) -> None:
        """SIGSTOP: it keeps all it has, and does nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def restart(self) -> None:
        """Kill it and start it again."""
        await self.kill()
        await self.start_ready()

    async def end(self, number: signal.Signals) -> int:
        """Send it a signal that ends it; return the exit status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(number)
        return await process.wait()

    async def _pause(self) -> None:
        """Wait a moment, or not at all if the process has ended, which is an error."""
        assert self._process is not None
        try:
            async with asyncio.timeout(POLL_SECS):
                status = await self._process.wait()
        except TimeoutError:
            return
        raise AssertionError(f"the daemon ended with status {status}:\n{self.log}")
