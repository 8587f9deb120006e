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
