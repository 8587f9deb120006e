"""What systemd does for a service of Type=notify, without systemd: it listens, and it kills what it does not hear."""

import asyncio
import os
import signal
import socket
import time

from tests.e2e.daemon import START_SECS, Daemon


class ServiceManager:
    """Hears what systemd would hear."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self.address = f"@harvester-test-{os.getpid()}-{id(self)}"
        self._socket.bind("\0" + self.address[1:])

    async def hear(self) -> str:
        """Return the next word."""
        return (await asyncio.get_running_loop().sock_recv(self._socket, 4096)).decode()

    async def until(self, *wanted: str) -> list[str]:
        """Return all words up to the first that begins with one of `wanted`."""
        heard: list[str] = []
        async with asyncio.timeout(START_SECS):
            while not heard or not heard[-1].startswith(wanted):
                heard.append(await self.hear())
        return heard

    async def longest_silence(self, secs: float) -> float:
        """Return the longest time, of the next `secs`, in which the watchdog was not fed."""
        longest, fed_at, end = 0.0, time.monotonic(), time.monotonic() + secs
        while (now := time.monotonic()) < end:
            try:
                async with asyncio.timeout(end - now):
                    word = await self.hear()
            except TimeoutError:
                break
            if word == "WATCHDOG=1":
                longest, fed_at = max(longest, time.monotonic() - fed_at), time.monotonic()
        return max(longest, time.monotonic() - fed_at)

    async def guard(self, daemon: Daemon, watchdog_secs: float) -> list[str]:
        """Send SIGABRT, as systemd does, once the watchdog was not fed for so long; return what was heard before."""
        heard: list[str] = []
        fed_at = time.monotonic()
        while (left_secs := fed_at + watchdog_secs - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left_secs):
                    heard.append(await self.hear())
            except TimeoutError:
                break
            if heard[-1] == "WATCHDOG=1":
                fed_at = time.monotonic()
        assert await daemon.end(signal.SIGABRT) == -signal.SIGABRT
        return heard

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()
