"""The running daemon is asked what its own document allows, and what it forbids: every answer is one that it names.

Schemathesis sends the examples, each limit of each schema, other methods and content types, requests without and with a
wrong token, and values at random from a fixed seed.
"""

import asyncio
import sys
from pathlib import Path

from tests.conftest import new_database
from tests.e2e.api_server import SETTINGS, TOKEN
from tests.e2e.daemon import Daemon, clean_environ

LIMIT_SECS = 240.0
"""It takes 15 s on an idle machine."""
CONFIG = """
[phases.coverage]
unexpected-methods = ["PUT"]  # of those that a path has not, one is enough

[[operations]]
include-operation-id = "readEvents"
parameters = { wait = 0 }  # seconds that an empty page takes

[[operations]]
include-path = "/readyz"
[operations.checks]
not_a_server_error.enabled = false  # its lite server is away: 503 is the right answer
"""
OPTIONS = (
    *("--phases", "examples,coverage,fuzzing", "--max-examples", "3", "--seed", "20261122", "--no-shrink"),
    *("--exclude-path-regex", "/stream$"),  # never end
    # What a document cannot say is 400 as well: an id that does not exist, a name that is taken.
    *("--exclude-checks", "positive_data_acceptance"),
    *("--warnings", "off", "--request-timeout", "20", "--continue-on-failure"),
)


async def test_every_answer_is_one_that_the_document_names(postgres_uri: str, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    async with new_database(postgres_uri) as database_uri:
        daemon = Daemon({**SETTINGS, "POSTGRES_URI": database_uri, "TOKEN": TOKEN}, tmp_path)
        try:
            await daemon.start()
            await daemon.until_readiness(lambda _status, body: "start" not in str(body["reasons"]))
            status, said = await schemathesis(f"{daemon.url}/openapi.json", tmp_path)
        finally:
            await daemon.kill()
    assert status == 0, said
    assert " generated" in said
    assert "Server error" not in said


async def schemathesis(url: str, folder: Path) -> tuple[int, str]:
    """Run the program; return its status and what it says."""
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), "run", url, "-H", f"Authorization: Bearer {TOKEN}"),
        *OPTIONS,
        cwd=folder,
        env=clean_environ(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(LIMIT_SECS):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    return await process.wait(), said.decode()
