"""The command line as operators and their scripts use it: results on standard output, one line for what is wrong."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harvester.storage.database import Database
from tests.conftest import with_database
from tests.e2e.backend import Backend
from tests.e2e.daemon import Daemon, harvester
from tests.e2e.memory_adapter import install


@pytest.fixture
def settings(tmp_path: Path, database_uri: str) -> dict[str, str]:
    return install(tmp_path / "site") | {"TOKEN": "sesame-open", "POSTGRES_URI": database_uri}


class Shell:
    """Runs commands with one set of settings."""

    def __init__(self, settings: dict[str, str], folder: Path) -> None:
        self.settings = settings
        self.folder = folder

    async def __call__(self, *arguments: str) -> tuple[int, str, str]:
        return await harvester(*arguments, environ=self.settings, folder=self.folder)

    async def json(self, *arguments: str) -> Any:
        status, stdout, stderr = await self(*arguments, "--json")
        assert (status, stderr) == (0, "")
        return json.loads(stdout)

    async def fails(self, *arguments: str) -> str:
        """Return the one line in which the command says why it fails."""
        status, stdout, stderr = await self(*arguments)
        assert (status, stdout) == (1, "")
        (line,) = stderr.splitlines()
        return line


@pytest.fixture
def shell(settings: dict[str, str], tmp_path: Path) -> Shell:
    return Shell(settings, tmp_path)


def test_help_answers_at_once_and_lists_the_commands_of_adapters_too() -> None:
    # Processor time: how long it takes on the wall is also a question of who else uses the machine. The first to import
    # a module may have to compile it.
    def help_secs() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    command = [sys.executable, "-m", "harvester", "--help"]
    assert any(help_secs() < 0.5 for _ in range(3))
    text = subprocess.run(command, capture_output=True, check=True).stdout
    for name in (b"run", b"migrate", b"check", b"invoice", b"payment", b"webhook", b"ton"):
        assert name in text


async def test_an_invoice_is_created_shown_listed_and_cancelled_without_a_daemon(shell: Shell) -> None:
    goods = ("--merchant-name", "Café", "--goods", "tea", "--goods", "cake", "--private-info", '{"order": 7}')
    first = await shell.json("invoice", "create", "1500000000", "MEM", "--life-time", "60", *goods)
    assert (first["amount"], first["status"], first["private_info"]) == ("1500000000", "waiting", {"order": 7})
    assert first["expire_at"] - first["created_at"] == 60
    assert first["metadata"]["goods"] == [{"name": "tea"}, {"name": "cake"}]
    second = await shell.json("invoice", "create", "1", "TOK")
    assert (await shell.json("invoice", "show", f"urn:uuid:{first['id'].upper()}")) == first
    assert (await shell.json("invoice", "list"))["invoices"] == [first, second]
    assert (await shell.json("invoice", "list", "--limit", "1", "--after", first["id"]))["invoices"] == [second]
    assert (await shell.json("invoice", "cancel", second["id"]))["status"] == "cancelled"
    status, table, _ = await shell("invoice", "list")
    assert status == 0
    assert [line.split()[:3] for line in table.splitlines()[1:]] == [
        [first["id"], "waiting", "1.5"],
        [second["id"], "cancelled", "0.000001"],
    ]
    status, shown, _ = await shell("invoice", "show", first["id"])
    assert f"memory:merchant?amount=1500000000&id={first['id']}" in shown


async def test_what_is_not_allowed_is_said_in_one_line(shell: Shell) -> None:
    unknown = "01920000-0000-7000-8000-000000000000"
    assert "amount" in await shell.fails("invoice", "create", "0", "MEM")
    assert "MEM, TOK" in await shell.fails("invoice", "create", "1", "DOGE")
    assert "life_time" in await shell.fails("invoice", "create", "1", "MEM", "--life-time", "0")
    assert "JSON" in await shell.fails("invoice", "create", "1", "MEM", "--private-info", "{")
    assert "UUID" in await shell.fails("invoice", "show", "12")
    assert await shell.fails("invoice", "show", unknown) == "not found"
    assert await shell.fails("invoice", "cancel", unknown) == "not found"
    assert "limit" in await shell.fails("invoice", "list", "--limit", "1001")
    assert "unknown invoice ID" in await shell.fails("invoice", "list", "--after", unknown)
    assert "UUID" in await shell.fails("payment", "list", "--invoice", "x")
    assert "delivery" in await shell.fails("webhook", "show", "1")
    assert "delivery" in await shell.fails("webhook", "resend", "1")
    assert "UUID of an event" in await shell.fails("webhook", "resend", "first")
    assert "number of days" in await shell.fails("webhook", "prune", "--older-than", "0")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nonsense"], "harvester: No such command 'nonsense'."),
        (["invoice", "show"], "harvester invoice show: Missing argument 'INVOICE_ID'."),
        (["payment", "list", "--limit", "0"], None),
        (["migrate", "--fast"], None),
    ],
)
async def test_a_wrong_use_is_one_line_and_status_2(shell: Shell, arguments: list[str], line: str | None) -> None:
    status, stdout, stderr = await shell(*arguments)
    assert (status, stdout, stderr.count("\n")) == (2, "", 1)
    assert line is None or stderr.rstrip() == line


async def test_payments_are_listed_with_their_class(shell: Shell, database: Database, tmp_path: Path) -> None:
    del tmp_path
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO payments (chain, tx_hash, transfer_index, account_address, pay_to_address, asset, amount,"
            " payer, time, class, reason, recorded_at) VALUES ('memory', 'ab', 0, 'merchant/coin', 'merchant', 'coin',"
            " 2::numeric ^ 100, 'alice', to_timestamp(1700000000), 'unmatched', 'no reference', now())"
        )
    (payment,) = (await shell.json("payment", "list"))["payments"]
    assert payment["amount"] == str(2**100)
    assert (payment["class"], payment["time"], payment["reason"]) == ("unmatched", 1700000000, "no reference")
    assert "invoice_id" not in payment
    assert (await shell.json("payment", "list", "--class", "exact"))["payments"] == []
    assert (await shell.json("payment", "list", "--before", str(payment["id"])))["payments"] == []
    _, table, _ = await shell("payment", "list")
    assert "2023-11-14 22:13:20Z" in table


async def test_a_payment_is_assigned_taken_back_and_marked(shell: Shell, database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO payments (chain, tx_hash, transfer_index, account_address, pay_to_address, asset, amount,"
            " payer, time, class, recorded_at) VALUES ('memory', 'ab', 0, 'merchant/coin', 'merchant', 'coin',"
            " 98, 'alice', to_timestamp(1700000000), 'unmatched', now())"
        )
    shell.settings["UNDERPAYMENT_TOLERANCE"] = "2"
    invoice = await shell.json("invoice", "create", "100", "MEM")
    (payment,) = (await shell.json("payment", "list", "--standing", "recorded", "--until", "2023-11-15"))["payments"]
    number = str(payment["id"])
    assert "only an assigned one" in await shell.fails("payment", "unassign", number)
    assigned = await shell.json("payment", "assign", number, invoice["id"], "--reason", "by mail", "--actor", "bob")
    assert assigned["assigned"] == {"invoice_id": invoice["id"], "class": "exact"}
    assert (await shell.json("invoice", "show", invoice["id"]))["status"] == "paid"
    assert "paid is final" in await shell.fails("payment", "unassign", number)
    assert (await shell.json("payment", "refund", number, "--reason", "the shop is closed"))["standing"] == "refunded"
    assert "is refunded" in await shell.fails("payment", "ignore", number, "--reason", "no")
    status, shown, _ = await shell("payment", "show", number)
    assert status == 0
    assert "cli:bob" in shown
    assert "by mail" in shown
    assert [act["act"] for act in (await shell.json("payment", "show", number))["acts"]] == ["assigned", "refunded"]


async def test_deliveries_are_listed_shown_and_sent_again(shell: Shell, tmp_path: Path) -> None:
    async with Backend.open() as backend:
        shell.settings |= {"WEBHOOK_ENDPOINT": backend.url, "WEBHOOK_SECRET": backend.secret}
        daemon = Daemon(shell.settings, tmp_path)
        await daemon.start_ready()
        try:
            invoice = await shell.json("invoice", "create", "5", "MEM")
            first = await backend.event(invoice["id"], "waiting")
            deliveries: list[dict[str, Any]] = []
            while not deliveries:  # the outcome is stored after the answer has gone
                deliveries = (await shell.json("webhook", "list", "--status", "delivered"))["deliveries"]
            (delivery,) = deliveries
            assert (delivery["event_id"], delivery["event_type"]) == (first.event_id, "invoice.created")
            shown = await shell.json("webhook", "show", str(delivery["id"]))
            assert [attempt["status_code"] for attempt in shown["tries"]] == [204]
            (resent,) = (await shell.json("webhook", "resend", first.event_id))["resent"]
            assert (resent["delivery_id"], resent["was"]) == (delivery["id"], "delivered")
            await backend.until(lambda: len(backend.of(invoice["id"])) == 2)
            assert (await shell.json("webhook", "list"))["deliveries"] == []
            assert await shell.json("webhook", "prune", "--older-than", "1") == {"pruned": 0}
            _, table, _ = await shell("webhook", "show", str(delivery["id"]))
            assert "invoice.created" in table
            assert await daemon.stop() == 0
        finally:
            await daemon.kill()
    assert not backend.refused


async def test_migrate_says_what_it_applied_and_can_be_repeated(shell: Shell, postgres_uri: str) -> None:
    name = f"empty_{id(shell)}"
    async with Database.open(postgres_uri) as admin, admin.connection() as connection:
        await connection.execute(f"CREATE DATABASE {name}")
        shell.settings["POSTGRES_URI"] = with_database(postgres_uri, name)
        missing = (await shell.json("migrate", "--dry-run"))["missing"]
        assert missing[0].startswith("core/0001_")
        assert "harvester migrate" in (await shell("invoice", "list"))[2]
        assert (await shell.json("migrate"))["applied"] == missing
        assert await shell("migrate") == (0, "the database is up to date\n", "")
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_check_finds_nothing_wrong(shell: Shell) -> None:
    report = await shell.json("check")
    assert report["ok"]
    assert [finding["subject"] for finding in report["findings"]] == [
        "configuration",
        "database",
        "migrations",
        "memory chain",
    ]
    status, table, _ = await shell("check")
    assert status == 0
    assert "WRONG" not in table


@pytest.mark.parametrize(
    ("wrong", "status", "subject"),
    [
        ({"MEMORY_FAULT": "sick"}, 1, "memory chain"),
        ({"POSTGRES_URI": "postgresql://u:geheim@127.0.0.1:1/d"}, 1, "database"),
        ({"PORT": "geheim"}, 78, "configuration"),
        ({"MEMORY_KEY": "geheim"}, 78, "configuration"),
    ],
)
async def test_check_names_what_is_wrong(shell: Shell, wrong: dict[str, str], status: int, subject: str) -> None:
    shell.settings |= wrong
    found, stdout, stderr = await shell("check", "--json")
    report = json.loads(stdout)
    assert (found, report["ok"]) == (status, False)
    assert subject in [finding["subject"] for finding in report["findings"] if not finding["ok"]]
    assert "geheim" not in stdout + stderr


async def test_a_database_that_is_away_is_one_line(shell: Shell) -> None:
    shell.settings["POSTGRES_URI"] = "postgresql://u:geheim@127.0.0.1:1/d"
    assert (await shell.fails("invoice", "list")).startswith("the database does not answer")


def test_a_reader_that_has_enough_is_no_error(settings: dict[str, str], tmp_path: Path) -> None:
    command = f"{sys.executable} -m harvester invoice list | head -c 0"
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command],
        cwd=tmp_path,
        env=settings | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert "Traceback" not in done.stderr
