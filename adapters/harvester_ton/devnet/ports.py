"""Where `harvester dev` listens unless somebody else is there, and so where `harvester dev pay` looks."""

import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"
API_PORT: Final = 8081
METRICS_PORT: Final = 9108
CONTROL_PORT: Final = 8082
API_URL: Final = f"http://{LOOPBACK}:{API_PORT}"
CONTROL_URL: Final = f"http://{LOOPBACK}:{CONTROL_PORT}"
ANY_PORT: Final = 0


def port_or_any(preferred: int) -> int:
    """Return `preferred`, or ANY_PORT if somebody listens there on the loopback interface now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, preferred))
        except OSError:
            return ANY_PORT
    return preferred
