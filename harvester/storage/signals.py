"""Hints between tasks and processes that there is work. A hint may be lost: polling is the truth, a hint saves time."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

import asyncpg
import structlog

from harvester.domain.errors import Unavailable
from harvester.storage.database import COMMAND_TIMEOUT_SECS, CONNECT_TIMEOUT_SECS, Database, driver_errors

CHANNELS: Final = ("deliveries", "events", "tokens")
_PREFIX: Final = "harvester_"
_COALESCE_SECS: Final = 0.01
"""NOTIFY takes a lock that makes commits queue, so it is sent beside the transactions and at most this often."""
_RECONNECT_SECS: Final = 2.0
_KEEPALIVE_SECS: Final = 30.0
_QUIET_SECS: Final = 60.0

_log = structlog.get_logger(__name__)


class Hint:
    """One waiter's memory of a channel: a hint that comes while nobody waits is there at the next wait."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Remember that there is work."""
        self._event.set()

    async def wait(self, timeout_secs: float) -> None:
        """Return at the next hint, or the one that came since the last wait, or after `timeout_secs`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_secs):
                await self._event.wait()
        self._event.clear()


class Signals:
    """Waiters in this process are woken at once; those of other processes by NOTIFY while `run` is running."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hints: dict[str, list[Hint]] = {channel: [] for channel in CHANNELS}
        self._unsent: set[str] = set()
        self._to_send = asyncio.Event()

    def subscribe(self, channel: str) -> Hint:
        """Return a new waiter on `channel`, which lives as long as this object."""
        hint = Hint()
        self._hints[channel].append(hint)
        return hint

    @contextmanager
    def listening(self, channel: str) -> Iterator[Hint]:
        """Yield a new waiter on `channel`, for the length of the block."""
        hint = self.subscribe(channel)
        try:
            yield hint
        finally:
            self._hints[channel].remove(hint)

    def publish(self, *channels: str) -> None:
        """Say that there is work on `channels`. Call it after the commit. Never blocks, never fails."""
        for channel in channels:
            self._wake(channel)
        self._unsent.update(channels)
        self._to_send.set()

    async def run(self) -> NoReturn:
        """Carry hints between processes until cancelled; a lost connection is made again, and costs only latency."""
        told_at = -_QUIET_SECS
        while True:
            try:
                with driver_errors():
                    await self._carry()
            except Unavailable as error:
                if time.monotonic() - told_at >= _QUIET_SECS:
                    told_at = time.monotonic()
                    _log.warning("hints of other processes are lost for now", error=str(error))
                await asyncio.sleep(_RECONNECT_SECS)

    async def _carry(self) -> NoReturn:
        connection = await asyncpg.connect(
            self._database.uri, timeout=CONNECT_TIMEOUT_SECS, command_timeout=COMMAND_TIMEOUT_SECS
        )
        try:
            own_pid = connection.get_server_pid()

            def heard(_connection: object, pid: int, channel: str, _payload: object) -> None:
                if pid != own_pid:
                    self._wake(channel.removeprefix(_PREFIX))

            for channel in CHANNELS:
                await connection.add_listener(_PREFIX + channel, heard)
                self._wake(channel)
            while True:
                await self._send(connection)
                await asyncio.sleep(_COALESCE_SECS)
        finally:
            connection.terminate()

    async def _send(self, connection: asyncpg.Connection) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_KEEPALIVE_SECS):
                await self._to_send.wait()
        self._to_send.clear()
        unsent, self._unsent = self._unsent, set()
        for channel in sorted(unsent):
            await connection.execute("SELECT pg_notify($1, '')", _PREFIX + channel)
        if not unsent:
            await connection.execute("SELECT 1")

    def _wake(self, channel: str) -> None:
        for hint in self._hints[channel]:
            hint.set()
