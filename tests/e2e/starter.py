"""Start commands in a moment: a process that has imported everything forks for each, instead of importing it again.

What runs is the command itself, as a process of its own. How it starts from nothing is seen where shells start it: in
the tests of the documentation and of `harvester dev`.
"""

import asyncio
import contextlib
import functools
import gc
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Final, NoReturn

PACKAGES: Final = ("harvester", "harvester_ton", "harvester_tari", "harvester_shopify", "harvester_demo")
REPOSITORY: Final = Path(__file__).parents[2]
_MOST_BYTES: Final = 1 << 16


class Forked:
    """A process that was started, with what tests use of `asyncio.subprocess.Process`."""

    def __init__(self, pid: int, reports: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.create_task(self._until_ended(reports), name=f"end of process {pid}")

    async def wait(self) -> int:
        """Return the exit status, or less than 0 for the signal that ended it."""
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it has, and the report of that is on its way
                os.kill(self.pid, number)

    async def _until_ended(self, reports: socket.socket) -> int:
        with reports:
            self.returncode = int(await asyncio.get_running_loop().sock_recv(reports, _MOST_BYTES))
        return self.returncode


async def start(
    arguments: Sequence[str], environ: Mapping[str, str], folder: Path, stdout: IO[bytes], stderr: IO[bytes]
) -> Forked:
    """Start `harvester` with these arguments and nothing on standard input; these settings are all its surroundings."""
    reports, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        request = json.dumps([list(arguments), dict(environ), str(folder)]).encode()
        socket.send_fds(_starter(), [request], [each.fileno() for each in (theirs, stdout, stderr)])
    reports.setblocking(False)
    return Forked(int(await asyncio.get_running_loop().sock_recv(reports, _MOST_BYTES)), reports)


@functools.cache
def _starter() -> socket.socket:
    """Start the process that forks, once; it ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = (sys.executable, "-m", __name__, str(theirs.fileno()))
        subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
    return ours


def serve(requests: socket.socket) -> list[str]:
    """Fork for each request; return, in the process that is to carry it out, the arguments of the command."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who report
    while True:
        request, files, _, _ = socket.recv_fds(requests, _MOST_BYTES, 3)
        if not request:
            os._exit(0)
        if os.fork() == 0:
            requests.close()
            return _carry_out(request, files)
        for file in files:
            os.close(file)


def _carry_out(request: bytes, files: Sequence[int]) -> list[str]:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    reports = socket.socket(fileno=files[0])
    if pid := os.fork():
        _report(pid, reports, files[1:])
    reports.close()
    arguments, environ, folder = json.loads(request)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.path[0:1] = [folder, *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    for number, file in enumerate([os.open(os.devnull, os.O_RDONLY), *files[1:]]):
        os.dup2(file, number)
        os.close(file)
    return [str(each) for each in arguments]


def _report(pid: int, reports: socket.socket, files: Sequence[int]) -> NoReturn:
    """Wait for the command, in the place of the process that forks, which must not wait."""
    for file in files:
        os.close(file)
    with contextlib.suppress(OSError):  # nobody may want to know
        reports.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        reports.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def import_everything() -> None:
    """Import what any command could need."""
    for package in map(import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    gc.freeze()


if __name__ == "__main__":
    import_everything()
    sys.argv = ["harvester", *serve(socket.socket(fileno=int(sys.argv[1])))]
    import_module("harvester.cli").main()
