"""The service manager's datagrams, over a real socket."""

import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from harvester.notify import Notifier


class Manager:
    """Listens as systemd does."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(5)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.address = address

    def heard(self) -> str:
        return self._socket.recv(4096).decode()

    def heard_nothing_more(self) -> bool:
        self._socket.setblocking(False)
        try:
            self._socket.recv(4096)
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    listener = Manager(f"@harvester-{uuid.uuid4().hex}" if request.param == "abstract" else str(tmp_path / "notify"))
    yield listener
    listener.close()


def test_each_word_is_one_datagram(manager: Manager) -> None:
    notifier = Notifier.from_environ({"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "3000000"})
    notifier.ready()
    notifier.status("ton: 3:00:00 behind")
    notifier.watchdog()
    notifier.extend_timeout(60)
    notifier.stopping()
    assert [manager.heard() for _ in range(5)] == [
        "READY=1",
        "STATUS=ton: 3:00:00 behind",
        "WATCHDOG=1",
        "EXTEND_TIMEOUT_USEC=60000000",
        "STOPPING=1",
    ]


def test_a_status_is_one_line_and_not_repeated(manager: Manager) -> None:
    notifier = Notifier.from_environ({"NOTIFY_SOCKET": manager.address})
    notifier.status("two\nlines=READY=1")
    notifier.status("two lines=READY=1")
    assert manager.heard() == "STATUS=two lines=READY=1"
    assert manager.heard_nothing_more()


@pytest.mark.parametrize(
    ("environ", "secs"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "20000000"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_only_if_it_is_for_this_process(environ: dict[str, str], secs: float | None) -> None:
    assert Notifier.from_environ(environ).watchdog_secs == secs


def test_without_a_watchdog_nothing_is_fed(manager: Manager) -> None:
    Notifier(manager.address).watchdog()
    assert manager.heard_nothing_more()


def test_without_a_manager_nothing_is_sent() -> None:
    Notifier.from_environ({}).ready()


def test_a_manager_that_has_gone_is_logged_and_stops_nothing(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        Notifier(str(tmp_path / "gone")).ready()
    assert [line["log_level"] for line in logs] == ["warning"]
