"""Tells systemd what the daemon is doing: the datagrams of sd_notify(3), without its library."""

import os
import socket
from collections.abc import Mapping
from typing import Final, Self

import structlog

_USEC: Final = 1_000_000
_MAX_STATUS_CHARS: Final = 200

_log = structlog.get_logger(__name__)


class Notifier:
    """Sends nothing if no service manager listens. A manager that has gone is logged and otherwise ignored."""

    def __init__(self, address: str | None, watchdog_secs: float | None = None) -> None:
        """Speak to the Unix datagram socket `address`; one that starts with `@` is in the abstract namespace."""
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self.watchdog_secs = watchdog_secs
        """After how much silence the manager takes the daemon for dead; None: never."""
        self._last_status = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID."""
        usec = environ.get("WATCHDOG_USEC", "")
        for_us = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watchdog_secs = int(usec) / _USEC if usec.isdecimal() and for_us and int(usec) > 0 else None
        return cls(environ.get("NOTIFY_SOCKET") or None, watchdog_secs)

    def ready(self) -> None:
        """The daemon serves."""
        self._send("READY=1")

    def stopping(self) -> None:
        """The daemon has begun to stop."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Say in one line what is going on; repeating the last one sends nothing."""
        line = " ".join(text.split())[:_MAX_STATUS_CHARS]
        if line != self._last_status:
            self._last_status = line
            self._send(f"STATUS={line}")

    def watchdog(self) -> None:
        """The daemon makes progress."""
        if self.watchdog_secs is not None:
            self._send("WATCHDOG=1")

    def extend_timeout(self, secs: float) -> None:
        """Ask for `secs` from now before the manager gives up on the start or the stop."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(secs * _USEC)}")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(message.encode(), self._address)
        except OSError as error:
            _log.warning("the service manager cannot be told", error=str(error))
