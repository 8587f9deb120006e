"""Requests with a key that a daemon takes to its grave; and tokens that the command line gives and takes, at work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.eventually import eventually
from tests.e2e.guarded_server import DRAFT, PRIVATE
from tests.e2e.memory_adapter import install
from tests.e2e.test_cli import Shell
from tests.soak.points import Fate, kill
from tests.soak.traps import Place, Traps

TOKEN = "sesame-open"
MANY = 50


@pytest.fixture
def settings(tmp_path: Path, database_uri: str) -> dict[str, str]:
    return install(tmp_path / "site") | {"TOKEN": TOKEN, "POSTGRES_URI": database_uri}


@pytest.fixture
async def daemon(settings: dict[str, str], tmp_path: Path) -> AsyncIterator[Daemon]:
    made = Daemon(settings, tmp_path)
    await made.start_ready()
    yield made
    await made.kill()


async def create(http: aiohttp.ClientSession, daemon: Daemon) -> tuple[int, bool, Any]:
    """Ask for the same invoice as always; return the status, whether it is a replay, and the JSON."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "order-4711"}
    async with http.post(f"{daemon.url}{PRIVATE}/invoice", json=DRAFT, headers=headers) as answer:
        return answer.status, "Idempotency-Replayed" in answer.headers, await answer.json()


async def stored(database_uri: str) -> list[str]:
    """The ids of all invoices."""
    connection = await asyncpg.connect(database_uri)
    try:
        return [str(row["id"]) for row in await connection.fetch("SELECT id FROM invoices")]
    finally:
        await connection.close()


@pytest.mark.parametrize("fate", [Fate.UNHEARD, Fate.LOST])
async def test_whatever_became_of_a_killed_request_its_retry_has_one_invoice(
    daemon: Daemon, database_uri: str, fate: Fate
) -> None:
    async with Traps.open(database_uri) as traps, aiohttp.ClientSession() as http:
        await traps.install()

        async def first() -> None:
            with suppress(aiohttp.ClientError):
                await create(http, daemon)
                raise AssertionError("who is dead answers")

        async with traps.set(Place.CREATION) as trap:
            asking = asyncio.create_task(first())
            await kill(daemon, trap, fate)
            await asking
        before = await stored(database_uri)
        assert len(before) == (1 if fate is Fate.UNHEARD else 0)
        await daemon.start_ready()
        status, replayed, invoice = await create(http, daemon)
        assert (status, replayed) == (200, fate is Fate.UNHEARD)
        assert [invoice["id"]] == await stored(database_uri)
        assert fate is Fate.LOST or [invoice["id"]] == before
        assert await create(http, daemon) == (200, True, invoice)


async def test_two_daemons_make_one_invoice_of_many_equal_requests(
    daemon: Daemon, settings: dict[str, str], tmp_path: Path, database_uri: str
) -> None:
    second = Daemon(settings, tmp_path)
    try:
        await second.start_ready()
        async with aiohttp.ClientSession() as http:
            answers = await asyncio.gather(*(create(http, each) for each in (daemon, second) for _ in range(MANY // 2)))
    finally:
        await second.kill()
    [number] = await stored(database_uri)
    assert {status for status, _, _ in answers} <= {200, 409}
    assert {invoice["id"] for status, _, invoice in answers if status == 200} == {number}


async def test_the_command_line_gives_tokens_and_takes_them_while_the_daemon_runs(
    daemon: Daemon, settings: dict[str, str], tmp_path: Path
) -> None:
    shell = Shell(settings, tmp_path)
    async with aiohttp.ClientSession(daemon.url) as http:

        async def status(token: str, path: str = "invoices") -> int:
            headers = {"Authorization": f"Bearer {token}"}
            async with http.get(f"{PRIVATE}/{path}", headers=headers) as answer:
                return answer.status

        made = await shell.json("token", "create", "shop", "--scope", "read", "--scope", "write", "--expires", "90d")
        assert made["scopes"] == ["read", "write"]
        assert made["expires_at"] - made["created_at"] == 90 * 86_400
        assert [await status(made["token"]), await status(made["token"], "tokens")] == [200, 403]

        rotated = await shell.json("token", "rotate", "shop", "--overlap", "24h")
        assert [await status(made["token"]), await status(rotated["token"])] == [200, 200]

        async def refused() -> bool:
            return await status(rotated["token"]) == 401

        _, table, _ = await shell("token", "list")
        assert table.splitlines()[1].split()[:3] == ["shop", "read", "write"]
        assert (await shell("token", "revoke", "shop"))[0] == 0
        await eventually(refused, "the daemon hears of it", deadline_secs=5)
        assert await status(made["token"]) == 401
    assert (await shell.json("token", "list")) == {"tokens": []}
    assert "there is no token" in await shell.fails("token", "revoke", "shop")
    assert made["token"] not in daemon.log


async def test_the_text_of_a_token_is_printed_for_people_once(settings: dict[str, str], tmp_path: Path) -> None:
    shell = Shell(settings, tmp_path)
    status, shown, _ = await shell("token", "create", "shop", "--scope", "operate")
    assert status == 0
    token = shown.splitlines()[-1].split()[-1]
    assert shown.splitlines()[-1] == f"token, shown only now: {token}"
    assert token.startswith("hvt_")
    for wrong in (("shop", "--scope", "read"), ("a b", "--scope", "read"), ("x", "--scope", "read", "--expires", "0d")):
        assert await shell.fails("token", "create", *wrong)
    status, _, error = await shell("token", "create", "x")
    assert (status, "--scope" in error) == (2, True)
