"""Run a command beside a harvester on a local TON: no internet, no coins, nothing left behind.

    python with_harvester.py COMMAND …

The command finds HARVESTER_URL and TOKEN (the API), WEBHOOK_ENDPOINT (where it should listen) and WEBHOOK_SECRET (what
it should verify with), RECIPIENT, and CONTROL_URL (the local chain: pay, burst, move time; docs/local-chain.md).
WEBHOOK_ENDPOINT, PORT and CONTROL_PORT may be given.
"""

import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

START_SECS = 60.0


def main(command: list[str]) -> int:
    """Run `command`; return its status."""
    port, control_port = os.environ.get("PORT", "8081"), os.environ.get("CONTROL_PORT", "8082")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = folder / "network.json"
        chain_command = ["dev", "chain", "--json", "--control-port", control_port, "--config-file", str(config)]
        chain = start(stack, chain_command, folder, dict(os.environ))
        line = chain.stdout.readline() if chain.stdout else b""
        if not line:
            sys.exit("the local chain does not start: it said why")
        facts = json.loads(line)
        jettons = ", ".join(f"{each['ticker']} {each['decimals']} {each['master']}" for each in facts["jettons"])
        environ = {
            **os.environ,
            "NETWORK_CONFIG": str(config),
            "RECIPIENT": facts["recipient"]["address"],
            "JETTONS": jettons,
            "DATA_DIR": str(folder),
            "PORT": port,
            "METRICS": "off",
            "TOKEN": secrets.token_urlsafe(24),
            "KEY": os.environ.get("KEY", secrets.token_hex(32)),
            "WEBHOOK_ENDPOINT": os.environ.get("WEBHOOK_ENDPOINT", "http://127.0.0.1:9000/"),
            "WEBHOOK_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        # Its database is one of its own, whatever the command's is.
        daemon = start(stack, ["run"], folder, {**environ, "POSTGRES_URI": ""})
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(f"{url}/readyz", daemon)
        return subprocess.run(
            command, env={**environ, "HARVESTER_URL": url, "CONTROL_URL": facts["control_url"]}, check=False
        ).returncode


def start(stack: ExitStack, arguments: list[str], folder: Path, environ: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start the harvester in a folder where no `.env` is; it is stopped in the end."""
    output = subprocess.PIPE if arguments[0] == "dev" else None
    process = subprocess.Popen(["harvester", *arguments], cwd=folder, env=environ, stdout=output)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


def wait_until_ready(url: str, daemon: "subprocess.Popen[bytes]") -> None:
    """Return when the daemon can do its work."""
    give_up_at = time.monotonic() + START_SECS
    while time.monotonic() < give_up_at and daemon.poll() is None:
        try:
            with urllib.request.urlopen(url):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    sys.exit("the harvester is not ready: its log says why")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
