"""`harvester rate`, and invoices with a price, as operators use them."""

from pathlib import Path

import pytest

from tests.e2e.memory_adapter import install
from tests.e2e.test_cli import Shell


@pytest.fixture
def shell(tmp_path: Path, database_uri: str) -> Shell:
    settings = install(tmp_path / "site") | {"TOKEN": "sesame-open", "POSTGRES_URI": database_uri}
    return Shell(settings, tmp_path)


async def test_a_rate_is_set_and_shown(shell: Shell) -> None:
    assert (await shell.json("rate", "show"))["rates"] == []
    first = await shell.json("rate", "set", "usd", "5.230", "--valid", "2h", "--actor", "bob")
    assert {name: first[name] for name in ("ticker", "currency", "rate", "source", "valid")} == {
        "ticker": "MEM",
        "currency": "USD",
        "rate": "5.230",
        "source": "cli:bob",
        "valid": True,
    }
    assert first["valid_until"] - first["created_at"] == 7200
    shell.settings["RATE_VALID_SECS"] = "60"
    second = await shell.json("rate", "set", "EUR", "0.9", "--ticker", "TOK")
    assert second["valid_until"] - second["created_at"] == 60
    assert (await shell.json("rate", "show"))["rates"] == [first, second]
    status, table, _ = await shell("rate", "show")
    assert status == 0
    assert [line.split()[:4] for line in table.splitlines()[1:]] == [
        ["MEM", "USD", "5.230", "yes"],
        ["TOK", "EUR", "0.9", "yes"],
    ]
    status, shown, _ = await shell("rate", "set", "USD", "6")
    assert (status, shown.split()[:4]) == (0, ["1", "MEM", "6", "USD"])


async def test_a_rate_that_is_none_is_refused_in_one_line(shell: Shell) -> None:
    assert "greater than 0" in await shell.fails("rate", "set", "USD", "0")
    assert "without exponent" in await shell.fails("rate", "set", "USD", "1,000.00")
    assert "code of 3 to 8" in await shell.fails("rate", "set", "$", "5")
    assert "MEM, TOK" in await shell.fails("rate", "set", "USD", "5", "--ticker", "DOGE")
    assert "valid for 1 to" in await shell.fails("rate", "set", "USD", "5", "--valid", "999999999d")
    status, _, line = await shell("rate", "set", "USD", "5", "--valid", "soon")
    assert (status, "such as 2h" in line) == (2, True)
    assert (await shell.json("rate", "show"))["rates"] == []


async def test_an_invoice_is_made_of_a_price_and_keeps_the_rate(shell: Shell) -> None:
    rate = await shell.json("rate", "set", "USD", "3", "--actor", "bob")
    invoice = await shell.json("invoice", "create", "--price", "10.00", "usd")
    assert (invoice["amount"], invoice["currency"]) == ("3333333334", "MEM")
    assert invoice["price"] == {
        "amount": "10.00",
        "currency": "USD",
        "rate": "3",
        "rate_at": rate["created_at"],
        "rate_source": "cli:bob",
    }
    await shell.json("rate", "set", "USD", "4")
    assert await shell.json("invoice", "show", invoice["id"]) == invoice
    assert (await shell.json("invoice", "list"))["invoices"] == [invoice]
    status, shown, _ = await shell("invoice", "show", invoice["id"])
    assert status == 0
    assert "10.00 USD at 3 (cli:bob, " in shown


async def test_a_price_is_paid_in_the_currency_that_is_named(shell: Shell) -> None:
    await shell.json("rate", "set", "USD", "0.5", "--ticker", "TOK")
    invoice = await shell.json("invoice", "create", "TOK", "--price", "0.01", "USD")
    assert (invoice["amount"], invoice["currency"]) == ("20000", "TOK")


async def test_a_price_without_a_rate_or_with_a_wrong_one_makes_no_invoice(shell: Shell) -> None:
    price = ("invoice", "create", "--price")
    assert "no rate of MEM in USD is valid now" in await shell.fails(*price, "1", "USD")
    await shell.json("rate", "set", "USD", "0.000000000000000001")
    assert "price.amount: price must be a decimal number" in await shell.fails(*price, "1,000.00", "USD")
    assert "price.currency: the currency of a price" in await shell.fails(*price, "1", "$")
    assert "base units of MEM" in await shell.fails(*price, "999999999999999", "USD")
    for wrong in (["1"], ["1", "MEM", "x"], ["1", "MEM", "--price", "1", "USD"]):
        status, _, line = await shell("invoice", "create", *wrong)
        assert (status, "expected" in line) == (2, True)
    assert (await shell.json("invoice", "list"))["invoices"] == []
