"""Whether the daemon in this container lives: asks /livez where its settings say that it listens.

Alive, not ready: a container that waits for its database or its nodes is well, and starting it again helps nobody.
"""

import os
import urllib.request

TIMEOUT_SECS = 4


def _setting(name: str, default: str) -> str:
    return os.environ.get(f"HARVESTER_{name}") or os.environ.get(name) or default


def url() -> str:
    """Return the address of /livez: beside the metrics, which every role has, or on the API if they are off."""
    place = _setting("METRICS", "127.0.0.1:9108")
    if place == "off":
        place = f"{_setting('HOST', '127.0.0.1')}:{_setting('PORT', '8081')}"
    host, _, port = place.rpartition(":")
    everywhere = {"0.0.0.0", "[::]", "::"}  # noqa: S104 - nothing is bound here
    return f"http://{'127.0.0.1' if host in everywhere else host}:{port}/livez"


if __name__ == "__main__":
    # No proxy: what the environment says of one is meant for others.
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url(), timeout=TIMEOUT_SECS)
