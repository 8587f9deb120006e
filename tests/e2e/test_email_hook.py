"""The hook of the how-to is one: with a real daemon and a real mail server."""

import asyncio
import os
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_string
from email.message import Message
from pathlib import Path

from harvester.storage.database import Database
from tests.e2e.daemon import Daemon
from tests.e2e.memory_adapter import install
from tests.e2e.test_cli import Shell
from tests.outbox import rows

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/email_hook"
WAIT_SECS = 30.0


class MailServer:
    """As much of SMTP (RFC 5321) as a client that only sends needs. Refuses the first `refusals` mails for now."""

    def __init__(self, refusals: int) -> None:
        self.mails: asyncio.Queue[Message] = asyncio.Queue()
        self.refusals = refusals
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        while line := (await reader.readline()).decode().strip():
            match line.split()[0].upper():
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    text = (await reader.readuntil(b"\r\n.\r\n")).decode()
                    writer.write(b"451 later\r\n" if self._refuses() else b"250 taken\r\n")
                    self.mails.put_nowait(message_from_string(text.removesuffix("\r\n.\r\n")))
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                case _:
                    writer.write(b"250 ok\r\n")
        writer.close()

    def _refuses(self) -> bool:
        self.refusals -= 1
        return self.refusals >= 0


@asynccontextmanager
async def mail_server(refusals: int) -> AsyncIterator[MailServer]:
    """Yield a mail server on a free port of loopback."""
    mails = MailServer(refusals)
    async with await asyncio.start_server(mails.serve, "127.0.0.1", 0) as server:
        mails.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield mails


def install_example(site: Path) -> str:
    """Install the package as pip does, by what its pyproject.toml says; return the path that has it."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    package = site / "email_hook-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    named = project["entry-points"]["harvester.hooks"]
    lines = [f"{name} = {target}" for name, target in named.items()]
    (package / "entry_points.txt").write_text("[harvester.hooks]\n" + "\n".join(lines) + "\n")
    return str(EXAMPLE)


async def test_a_mail_comes_for_what_is_paid_also_if_the_server_refuses_at_first(
    database: Database, tmp_path: Path
) -> None:
    settings = install(tmp_path / "site")
    settings["PYTHONPATH"] += os.pathsep + install_example(tmp_path / "site")
    async with mail_server(refusals=1) as server:
        settings |= {
            "TOKEN": "sesame-open",
            "POSTGRES_URI": database.uri,
            "HOOKS": "email",
            "EMAIL_SERVER": server.address,
            "EMAIL_TO": "shop@example.org",
        }
        daemon = Daemon(settings, tmp_path)
        try:
            await daemon.start_ready()
            shell = Shell(settings, tmp_path)
            async with asyncio.timeout(WAIT_SECS):
                invoice_id = await paid_invoice(database, shell)
                first, second = [await server.mails.get() for _ in range(2)]
        finally:
            await daemon.kill()
    assert first["Subject"] == second["Subject"] == f"Paid: {invoice_id}"
    assert first["Message-ID"] == second["Message-ID"]
    assert "came from" in second.get_payload()


def test_the_how_to_shows_this_very_hook() -> None:
    page = (ROOT / "docs/how-to/hooks.md").read_text()
    assert f"```python\n{(EXAMPLE / 'email_hook.py').read_text()}```" in page


async def paid_invoice(database: Database, shell: Shell) -> str:
    """Return the id of an invoice that has been paid."""
    made = await shell.json("invoice", "create", "1000", "MEM", "--order-id", "7", "--customer-id", "alice")
    await shell.json("order", "fulfil", "7", "--reason", "test")
    (row,) = await rows(database, "SELECT status FROM invoices")
    assert row["status"] == "paid"
    return str(made["id"])
