"""The receivers in examples/ work as they are there. The shop and its test are run by `test_docs_commands.py`."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.chain import payment_of
from tests.e2e.conftest import World
from tests.e2e.daemon import clean_environ, free_port
from tests.e2e.eventually import eventually

EXAMPLES = Path(__file__).parents[2] / "examples"
PRIVATE = "/tonpay/private/api/v1"
NPM_SECS = 120.0


@asynccontextmanager
async def program(command: Sequence[str], environ: dict[str, str], folder: Path) -> AsyncIterator[Path]:
    """Run a program that listens until it is stopped; yield the file with what it has said."""
    said = folder / "said"
    with said.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=clean_environ() | environ, stdout=output
        )
    try:
        yield said
    finally:
        process.terminate()
        await process.wait()


async def node_receiver(folder: Path) -> list[str]:
    """Install what the example needs and return its command; skip where that cannot be."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not (npm and node):
        pytest.skip("node and npm are not installed")
    for name in ("package.json", "receiver.mjs"):
        shutil.copy(EXAMPLES / name, folder)
    install = await asyncio.create_subprocess_exec(
        *(npm, "install", "--no-audit", "--no-fund", "--no-package-lock"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(NPM_SECS):
            said, _ = await install.communicate()
    except TimeoutError:
        install.kill()
        pytest.skip("npm did not install `standardwebhooks` in time")
    if install.returncode:
        pytest.skip(f"npm cannot install `standardwebhooks`: {said.decode()[-300:]}")
    return [node, "receiver.mjs"]


async def python_receiver(_folder: Path) -> list[str]:
    """The command of the example."""
    return [sys.executable, str(EXAMPLES / "receiver.py")]


@pytest.mark.chain
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("receiver", [python_receiver, node_receiver])
async def test_a_receiver_takes_each_event_once_and_believes_nothing_unsigned(
    world: World, tmp_path: Path, receiver: Callable[[Path], Awaitable[list[str]]]
) -> None:
    command, port, name = await receiver(tmp_path), free_port(), receiver.__name__.replace("_", "-")
    url = f"http://127.0.0.1:{port}/"
    status, made, stderr = await world.harvester("endpoint", "add", name, url, "--local", "--json")
    assert status == 0, stderr
    environ = {"WEBHOOK_SECRET": json.loads(made)["secret"], "RECEIVER_PORT": str(port)}
    async with program(command, environ, tmp_path) as said, aiohttp.ClientSession() as session:
        await eventually(lambda: answers(session, url), "the receiver")
        await break_off(port)
        invoice = await world.shop.create("TON", 1_000_000)
        await world.chain.pay(payment_of(invoice))
        await eventually(lambda: contains(said, f"invoice.paid {invoice['id']} paid"), "the webhook")
        paid = await world.backend.event(invoice["id"], "paid")
        async with session.post(url, data=paid.raw, headers=paid.headers) as forged:  # signed for another endpoint
            assert forged.status == 401
        for delivery in await deliveries(world, name):
            await world.shop.ask("POST", f"{PRIVATE}/deliveries/{delivery['id']}/resend")
        await eventually(lambda: taken_twice(world, name), "the same once more")
        tested = await world.shop.ask("POST", f"{PRIVATE}/endpoints/{name}/test")
        assert tested["status_code"] == 204, tested
        lines = (await asyncio.to_thread(said.read_text)).splitlines()
    created, paid_line = f"invoice.created {invoice['id']} waiting", f"invoice.paid {invoice['id']} paid"
    assert lines == [created, paid_line, "endpoint.test - -"]


async def answers(session: aiohttp.ClientSession, url: str) -> bool:
    """Whether something listens there, which refuses what has no signature."""
    try:
        async with session.post(url, data=b"{}") as answer:
            return answer.status == 401
    except aiohttp.ClientError:
        return False


async def break_off(port: int) -> None:
    """Send half of a request, as a sender does whose connection is lost."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n\r\n{")
    writer.close()
    await writer.wait_closed()


async def contains(path: Path, text: str) -> bool:
    """Whether it has been said."""
    return text in await asyncio.to_thread(path.read_text)


async def deliveries(world: World, endpoint: str) -> list[dict[str, Any]]:
    """What was sent to an endpoint."""
    page = await world.shop.ask("GET", f"{PRIVATE}/endpoints/{endpoint}/deliveries")
    return list(page["deliveries"])


async def taken_twice(world: World, endpoint: str) -> bool:
    """Whether everything has been."""
    return [each["attempts"] for each in await deliveries(world, endpoint)] == [2, 2]
