"""Where `harvester dev` listens unless somebody else is there, and so where `harvester dev pay` looks."""

from typing import Final

API_PORT: Final = 8081
METRICS_PORT: Final = 9108
CONTROL_PORT: Final = 8090
API_URL: Final = f"http://127.0.0.1:{API_PORT}"
CONTROL_URL: Final = f"http://127.0.0.1:{CONTROL_PORT}"
