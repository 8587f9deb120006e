"""`harvester export` and `harvester invoice receipt`, as accountants use them."""

import csv
import io
from pathlib import Path
from uuid import UUID

import pytest

from harvester.storage.database import Database
from tests.e2e.memory_adapter import install
from tests.e2e.test_cli import Shell


@pytest.fixture
def shell(tmp_path: Path, database_uri: str) -> Shell:
    settings = install(tmp_path / "site") | {"TOKEN": "sesame-open", "POSTGRES_URI": database_uri}
    return Shell(settings, tmp_path)


def unfinished(folder: Path) -> list[Path]:
    """What a command that failed has left behind."""
    return list(folder.glob("*.part"))


async def pay(shell: Shell, database: Database, invoice_id: str, amount: int) -> None:
    """Let money come in without a reference, and say that it was for the invoice."""
    async with database.connection() as connection:
        number = await connection.fetchval(
            "INSERT INTO payments (chain, tx_hash, transfer_index, account_address, pay_to_address, asset, amount,"
            " payer, time, class, recorded_at) VALUES ('memory', $1, 0, 'merchant/coin', 'merchant', 'coin',"
            " $2, '=alice', date_trunc('second', now()) + interval '1 s', 'unmatched', now()) RETURNING id",
            UUID(invoice_id).hex * 2,
            amount,
        )
    await shell.json("payment", "assign", str(number), invoice_id)


async def test_tables_go_to_standard_output_or_to_a_file(shell: Shell, database: Database, tmp_path: Path) -> None:
    await shell.json("rate", "set", "USD", "2")
    invoice = await shell.json("invoice", "create", "--price", "3.00", "USD", "--order-id", "17")
    await pay(shell, database, invoice["id"], 1_500_000_000)
    status, text, stderr = await shell("export", "payments", "--currency", "usd", "--since", "2026-01-01")
    assert (status, stderr) == (0, "")
    [row] = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    assert (row["amount"], row["value"], row["order_id"], row["payer"]) == ("1.5", "3.00", "17", "'=alice")
    assert await shell("export", "invoices", "--file", "books.csv") == (0, "", "")
    raw = (tmp_path / "books.csv").read_bytes()
    [row] = csv.DictReader(io.StringIO(raw.decode(), newline=""), strict=True)
    assert (row["invoice_id"], row["status"], row["price"], row["received_value"]) == (
        invoice["id"],
        "paid",
        "3.00",
        "",
    )
    status, text, _ = await shell("export", "payments", "--until", "2026-01-01")
    assert (status, text.count("\n")) == (0, 1)


async def test_an_export_that_fails_leaves_what_was_there(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "books.csv").write_text("last year")
    assert "code of 3 to 8" in await shell.fails("export", "payments", "--file", "books.csv", "--currency", "$")
    shell.settings["POSTGRES_URI"] = "postgresql://u:geheim@127.0.0.1:1/d"
    assert "does not answer" in await shell.fails("export", "payments", "--file", "books.csv")
    assert (tmp_path / "books.csv").read_text() == "last year"
    assert unfinished(tmp_path) == []


async def test_a_file_that_cannot_be_written_is_one_line(shell: Shell) -> None:
    assert "nowhere/books.csv cannot be written" in await shell.fails(
        "export", "payments", "--file", "nowhere/books.csv"
    )


async def test_a_receipt_is_printed_or_written_as_a_page(shell: Shell, database: Database, tmp_path: Path) -> None:
    invoice = await shell.json("invoice", "create", "1500000000", "MEM", "--merchant-name", "Café", "--goods", "tea")
    assert "is waiting: only a paid one has a receipt" in await shell.fails("invoice", "receipt", invoice["id"])
    await pay(shell, database, invoice["id"], 1_500_000_000)
    status, text, _ = await shell("invoice", "receipt", invoice["id"])
    assert status == 0
    for said in (invoice["id"], "1.5 MEM", "=alice", UUID(invoice["id"]).hex * 2):
        assert said in text
    assert await shell("invoice", "receipt", invoice["id"], "--html", "receipt.html") == (0, "", "")
    page = (tmp_path / "receipt.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "Café" in page
