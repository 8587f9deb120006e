"""`harvester invoice list` and `show` as operators use them."""

from pathlib import Path
from typing import Any

import pytest

from harvester.storage.database import Database
from tests.e2e.memory_adapter import install
from tests.e2e.test_cli import Shell

PAYMENT = """
INSERT INTO payments (chain, tx_hash, transfer_index, account_address, pay_to_address, asset, amount, payer, time,
                      class, invoice_id, reference, recorded_at)
VALUES ('memory', 'ab', 0, 'merchant/coin', 'merchant', 'coin', 400000000, 'alice', to_timestamp(1700000000), $1,
        $2, $2, now())
"""


@pytest.fixture
def shell(tmp_path: Path, database_uri: str) -> Shell:
    settings = install(tmp_path / "site") | {"TOKEN": "sesame-open", "POSTGRES_URI": database_uri}
    return Shell(settings, tmp_path)


async def listed(shell: Shell, *options: str) -> Any:
    """The list that options ask for."""
    return await shell.json("invoice", "list", *options)


async def test_an_order_is_found_by_its_number_its_customer_and_its_state(shell: Shell) -> None:
    order = ("--order-id", "2026-1117", "--customer-id", "alice")
    first = await shell.json("invoice", "create", "1500000000", "MEM", *order)
    assert (first["order_id"], first["customer_id"]) == ("2026-1117", "alice")
    assert first["id"] in await shell.fails("invoice", "create", "1", "MEM", *order)
    second = await shell.json("invoice", "create", "1", "TOK")
    await shell.json("invoice", "cancel", second["id"])
    for options in (order[:2], order[2:], ("--status", "waiting,paid"), ("--currency", "MEM")):
        assert (await listed(shell, *options))["invoices"] == [first]
    for options in (("--until", "2023-11-15"), ("--address", "bob"), ("--tx-hash", "ab"), ("--status", "expired")):
        assert await listed(shell, *options) == {"invoices": []}
    newest = await listed(shell, "--order", "desc", "--limit", "1", "--since", "2023-11-15")
    assert (newest["invoices"][0]["id"], newest["next"]) == (second["id"], second["id"])
    rest = await listed(shell, "--order", "desc", "--after", newest["next"])
    assert (rest["invoices"], rest["prev"]) == ([first], first["id"])
    assert (await listed(shell, "--order", "desc", "--before", first["id"]))["invoices"] == newest["invoices"]
    assert "one or several of" in await shell.fails("invoice", "list", "--status", "open")
    _, table, _ = await shell("invoice", "list", *order)
    assert table.splitlines()[1].split()[-2:] == ["2026-1117", "alice"]


async def test_show_prints_all_of_an_invoice_with_its_events_and_payments(shell: Shell, database: Database) -> None:
    numbers = ("--order-id", "2026-1117", "--customer-id", "alice")
    invoice = await shell.json("invoice", "create", "1500000000", "MEM", *numbers)
    async with database.connection() as connection:
        await connection.execute(PAYMENT, "partial", invoice["id"])
    await shell("invoice", "cancel", invoice["id"])
    status, shown, stderr = await shell("invoice", "show", invoice["id"])
    assert (status, stderr) == (0, "")
    lines = [line.split() for line in shown.splitlines()]
    assert ["order", "2026-1117"] in lines
    assert ["customer", "alice"] in lines
    assert [line[:2] for line in lines if line and line[0] in "12"][:2] == [
        ["1", "invoice.created"],
        ["2", "invoice.cancelled"],
    ]
    (payment,) = [line for line in lines if "partial" in line]
    assert payment[-7:] == ["partial", "recorded", "yes", "0.4", "MEM", "alice", "ab"]
    assert (await shell.json("invoice", "show", invoice["id"]))["status"] == "cancelled"


async def test_show_says_of_a_payment_that_does_not_count_that_it_does_not(shell: Shell, database: Database) -> None:
    invoice = await shell.json("invoice", "create", "1500000000", "TOK")
    async with database.connection() as connection:
        await connection.execute(PAYMENT, "wrong_asset", invoice["id"])
    _, shown, _ = await shell("invoice", "show", invoice["id"])
    (line,) = [line for line in shown.splitlines() if "wrong_asset" in line]
    assert "no" in line.split()
    assert "400000000 base units of coin" in line
