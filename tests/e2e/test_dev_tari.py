"""`harvester dev tari`, as a newcomer runs it: orders are paid, and captured in the shop, with nothing left behind."""

import asyncio
import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.daemon import COMMAND, clean_environ, harvester


@pytest.fixture
def data_path(postgres_folder: Path) -> Iterator[Path]:
    """A folder for runs, which must be empty in the end."""
    path = postgres_folder / "dev-tari"
    yield path
    assert list(path.iterdir()) == []


async def test_once_prints_one_json_object_of_what_was_paid_and_captured(data_path: Path) -> None:
    folder = data_path.parent
    environ = {"DATA_DIR": str(data_path)}
    status, stdout, stderr = await harvester("dev", "tari", "--once", environ=environ, folder=folder)
    assert status == 0, stderr
    assert stdout.count("\n") == 1
    printed: dict[str, Any] = json.loads(stdout)
    for name in ("claimed_first", "paid_first"):
        order = printed[name]
        assert (order["status"], order["amount"]) == ("paid", "240000000")
        assert (order["captured"]["amount"], order["captured"]["currency"]) == ("24.00", "USD")
    assert printed["customer"]["balance"] == "60000000"
    for step in ("order", "claim", "payment", "confirmed", "paid", "captured", "credit"):
        assert re.search(rf"^{step} ", stderr, re.MULTILINE), stderr


async def test_what_it_says_to_try_next_works(data_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("dev", "tari", "--data-dir", str(data_path)),
        env=clean_environ(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            said = (await process.stdout.readuntil(b"Ctrl-C.\n")).decode()
            claim, payment, confirmation = re.findall(r"^  harvester (.* \| curl .*)$", said, re.MULTILINE)
            assert json.loads(await shell(claim))["status"] == "New"
            for line in (payment, confirmation):
                assert json.loads(await shell(line))["success"] is True
            (look,) = re.findall(r"^Look at it:  (curl .*)$", said, re.MULTILINE)
            assert json.loads(await shell(look, ""))["status"] == "paid"
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def shell(line: str, program: str = " ".join(COMMAND)) -> str:
    """Run a line as somebody would who copies it, and whose `harvester` is this one."""
    process = await asyncio.create_subprocess_shell(
        f"{program} {line}", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    stdout, stderr = await process.communicate()
    assert process.returncode == 0, stderr.decode()
    return stdout.decode()
