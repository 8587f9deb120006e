"""The embedded PostgreSQL ends with the last of its users, also if one of them was killed."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from harvester.domain.errors import Unavailable
from harvester.storage.embedded import embedded_postgres

USER = """
import asyncio, sys
from pathlib import Path
from harvester.storage.embedded import embedded_postgres

async def main():
    async with embedded_postgres(Path(sys.argv[1])):
        print("there", flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main())
"""
Use = Callable[[], Awaitable[Process]]


@pytest.fixture
def folder(postgres_folder: Path) -> Path:
    return postgres_folder / "shared"


@pytest.fixture
async def use(folder: Path) -> AsyncIterator[Use]:
    """Starts a process that uses the server until a line is written to it."""
    users: list[Process] = []

    async def start() -> Process:
        user = await asyncio.create_subprocess_exec(
            sys.executable, "-c", USER, str(folder), stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        users.append(user)
        assert user.stdout is not None
        assert await user.stdout.readline() == b"there\n"
        return user

    yield start
    for user in users:
        if user.returncode is None:
            user.kill()
            await user.wait()
    async with embedded_postgres(folder):
        pass


def runs(folder: Path) -> bool:
    return (folder / "postmaster.pid").exists()


async def test_a_user_that_was_killed_does_not_keep_it_running_and_one_that_lives_does(folder: Path, use: Use) -> None:
    killed, living = await use(), await use()
    killed.kill()
    await killed.wait()
    async with embedded_postgres(folder):
        pass
    assert runs(folder)
    await living.communicate(b"\n")
    assert not runs(folder)


async def test_one_that_does_not_start_is_told_in_words(postgres_folder: Path) -> None:
    broken = postgres_folder / "broken"
    broken.mkdir()
    (broken / "PG_VERSION").write_text("18")  # all that is left of it
    with pytest.raises(Unavailable, match=f"see {broken / 'log'}"):
        async with embedded_postgres(broken):
            pass
