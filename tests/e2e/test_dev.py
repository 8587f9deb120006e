"""`harvester dev`, as a newcomer runs it: the whole main job, from start to Ctrl-C, with nothing left behind."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from harvester_ton.devnet.tvm import tvm_available
from tests.e2e.daemon import COMMAND, clean_environ, harvester
from tests.e2e.eventually import eventually

pytestmark = [
    pytest.mark.chain,
    pytest.mark.skipif(not tvm_available(), reason="there is no TVM for this platform"),
]


@pytest.fixture
def data_path(postgres_folder: Path) -> Iterator[Path]:
    """A folder for runs, which must be empty in the end and used by no process."""
    path = postgres_folder / "dev"
    yield path
    assert folders_in(path) == []
    assert processes_in(path) == []


def folders_in(path: Path) -> list[Path]:
    """Folders of runs that have not been removed."""
    return list(path.iterdir())


def processes_in(path: Path) -> list[str]:
    """Command lines of the processes that name a folder below `path`."""
    lines = (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    return [line for line in lines if f"{path}/run-" in line]


async def run_once(data_path: Path) -> dict[str, Any]:
    """Run `harvester dev --once` and return what it prints, which must be one JSON object and nothing else."""
    folder = data_path.parent
    status, stdout, stderr = await harvester("dev", "--once", environ={"DATA_DIR": str(data_path)}, folder=folder)
    assert status == 0, stderr
    assert stdout.count("\n") == 1
    printed: dict[str, Any] = json.loads(stdout)
    return printed


def check(printed: dict[str, Any]) -> None:
    """Check what one demo came to."""
    invoice = printed["invoice"]
    assert (invoice["status"], invoice["overpayment"]) == ("paid", "0")
    assert [webhook["status"] for webhook in printed["webhooks"]] == ["waiting", "paid"]
    assert printed["webhooks"][1]["body"] == invoice
    assert all(webhook["headers"]["webhook-signature"].startswith("v1,") for webhook in printed["webhooks"])
    assert 0 < printed["detected_seconds"] < 5


async def test_runs_side_by_side_pay_one_invoice_each_and_print_one_json_object(data_path: Path) -> None:
    for printed in await asyncio.gather(run_once(data_path), run_once(data_path)):
        check(printed)


@asynccontextmanager
async def staying_up(data_path: Path, *options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Yield a demo that has finished its first payment and stays up, and what it has said until then."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("dev", "--data-dir", str(data_path), *options),
        env=clean_environ(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=1 << 20,
    )
    assert process.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(60):
            while "Ctrl-C" not in said:
                line = await process.stdout.readline()
                assert line, said
                said += line.decode()
        yield process, said
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_it_stays_up_until_a_signal_and_then_ends_well(data_path: Path, number: signal.Signals) -> None:
    async with staying_up(data_path) as (process, _said):
        process.send_signal(number)
        process.send_signal(number)
        await process.communicate()
        assert process.returncode == 0


async def test_what_it_says_to_try_next_works(data_path: Path) -> None:
    async with staying_up(data_path) as (process, said):
        assert "ton://transfer/" in said
        assert "█" in said
        made = json.loads(await shell(one(r"^  (curl .*)$", said)))
        await shell(
            one(r"^  (\S.* dev pay.*) INVOICE_ID", said).replace("harvester", " ".join(COMMAND)) + " " + made["id"]
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            lines = [line.decode() async for line in until_paid(process.stdout)]
        assert any(made["id"] in line for line in lines)
        async with aiohttp.ClientSession() as session, session.get(one(r"metrics +(\S+)", said)) as metrics:
            assert "harvester_" in await metrics.text()
        process.send_signal(signal.SIGINT)
        await process.communicate()


async def until_paid(stdout: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield lines until one tells of a paid webhook."""
    async for line in stdout:
        yield line
        if line.startswith(b"webhook   paid"):
            return


def one(pattern: str, text: str) -> str:
    """Return what the pattern's group matches."""
    found = re.search(pattern, text, re.MULTILINE)
    assert found, text
    return found[1]


async def shell(line: str) -> str:
    """Run a line as somebody would who copies it."""
    process = await asyncio.create_subprocess_shell(
        line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    stdout, stderr = await process.communicate()
    assert process.returncode == 0, stderr.decode()
    return stdout.decode()


async def test_interrupted_before_it_is_done_once_fails(data_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("dev", "--once", "--data-dir", str(data_path)),
        env=clean_environ(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    await process.stderr.readline()
    process.send_signal(signal.SIGINT)
    stdout, _ = await process.communicate()
    assert (process.returncode, stdout) == (130, b"")


async def test_a_folder_that_cannot_be_used_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environ = {"DATA_DIR": str(tmp_path / "file" / "dev")}
    status, stdout, stderr = await harvester("dev", "--once", environ=environ, folder=tmp_path)
    assert (status, stdout) == (78, "")
    assert stderr.splitlines()[1:] == [f"DATA_DIR: {tmp_path}/file/dev cannot be used: Not a directory"]


async def test_a_killed_run_takes_its_daemon_along_and_leaves_its_folder_to_the_next(data_path: Path) -> None:
    async with staying_up(data_path) as (process, _said):
        process.kill()
        await process.communicate()
        await eventually(lambda: gone(data_path), "no process")
        assert len(folders_in(data_path)) == 1
    check(await run_once(data_path))


async def gone(path: Path) -> bool:
    return not processes_in(path)
