"""`harvester order`, `account`, `credit` and `wallet`, as operators use them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harvester.storage.database import Database
from tests.clock import ManualClock
from tests.e2e.memory_adapter import install
from tests.e2e.test_cli import Shell
from tests.services.conftest import Shop
from tests.services.counter import Counter

BY = ("--reason", "the buyer called", "--actor", "bob")


@pytest.fixture
def shell(tmp_path: Path, database_uri: str) -> Shell:
    settings = install(tmp_path / "site") | {"TOKEN": "sesame-open", "POSTGRES_URI": database_uri}
    return Shell(settings, tmp_path)


@pytest.fixture
async def counter(database: Database) -> Counter:
    """A storefront and a wallet beside the operator, now."""
    return await Counter(Shop(database, ManualClock(datetime.now(UTC)))).open()


async def test_an_order_is_shown_claimed_moved_and_cancelled(shell: Shell, counter: Counter) -> None:
    await counter.place("#1", "alice", 1_500_000_000, alt_id="first")
    order = await shell.json("order", "show", "#1")
    assert (order["alt_id"], order["unclaimed"], order["amount"]) == ("first", True, "1500000000")
    assert (await shell.json("order", "list", "--status", "unclaimed"))["invoices"] == [order]
    claimed = await shell.json("order", "claim", "#1", "A1", *BY)
    assert claimed["claimed_at"] >= order["created_at"]
    assert "only one that is unclaimed" in await shell.fails("order", "claim", "#1", "a2")
    moved = await shell.json("order", "reassign", "#1", "carol", *BY)
    assert (moved["customer_id"], moved["status"]) == ("carol", "waiting")
    status, table, _ = await shell("order", "list", "--customer-id", "carol")
    assert (status, table.splitlines()[1].split()[:6]) == (0, ["#1", "first", "carol", "waiting", "1.5", "MEM"])
    assert (await shell.json("order", "cancel", "#1", *BY))["status"] == "cancelled"
    assert "is cancelled" in await shell.fails("order", "fulfil", "#1", *BY)
    assert "there is no order 2" in await shell.fails("order", "show", "2")
    rows = await counter.shop.rows("SELECT type, cause FROM events ORDER BY sequence")
    said = "cli:bob: the buyer called"
    assert [tuple(row) for row in rows] == [
        ("invoice.created", "storefront"),
        ("invoice.claimed", said),
        ("invoice.modified", said),
        ("invoice.cancelled", said),
    ]


async def test_an_order_is_fulfilled_by_grace_and_by_credit(shell: Shell, counter: Counter) -> None:
    for number in ("1", "2"):
        await counter.place(number, "alice", 1_500_000_000, alt_id=f"#{number}")
    await counter.claim("1", "a1")
    status, shown, _ = await shell("order", "fulfil", "1", *BY)
    assert status == 0
    fields = [line.split() for line in shown.splitlines()]
    for line in (["also", "#1"], ["from", "credit", "1.5", "MEM"], ["paid", "by", "customer:alice"]):
        assert line in fields
    assert "claimed" in [line[0] for line in fields]
    issued = await shell.json("credit", "issue", "alice", "2000000000", *BY)
    assert [each["order_id"] for each in issued["paid"]] == ["2"]
    status, shown, _ = await shell("credit", "issue", "alice", "-700000000", *BY)
    assert (status, ["amount", "-0.7", "MEM"] in [line.split() for line in shown.splitlines()]) == (0, True)
    customer = await shell.json("account", "show", "alice", "--currency", "MEM")
    assert (customer["balance"], customer["owed"]) == ("-200000000", "0")
    status, shown, _ = await shell("account", "show", "alice")
    assert (status, [line.split() for line in shown.splitlines()][-2:]) == (
        0,
        [["granted", "by", "you", "2", "2.2", "-0.2"], ["a1", "0", "0", "0"]],
    )
    for wrong, said in (("0", "base units of MEM"), ("1.5", "must be an integer")):
        assert said in await shell.fails("credit", "issue", "alice", wrong, *BY)


async def test_what_an_address_got_and_gave_is_listed(shell: Shell, counter: Counter) -> None:
    for number, address in (("1", "a1"), ("2", "a2")):
        await counter.place(number, "alice", 5)
        await counter.claim(number, address)
    for address in ("a1", "a2"):
        await counter.confirm(await counter.pay(address, 3))
    assert [each["order_id"] for each in (await shell.json("account", "settle", "alice"))["paid"]] == ["1"]
    status, table, _ = await shell("account", "settle", "alice")
    assert (status, table.splitlines()[1:]) == (0, [])
    entries = (await shell.json("account", "history", "--address", "A1"))["entries"]
    assert [(each["kind"], each["amount"]) for each in entries] == [("settlement", "-3"), ("payment", "3")]
    page = await shell.json("account", "history", "--address", "a1", "--before", str(entries[0]["number"]))
    assert page["entries"] == entries[1:]
    status, table, _ = await shell("account", "history", "--address", "a1")
    assert (status, table.splitlines()[2].split()[3:7]) == (0, ["payment", "0.000000003", "a1", "1"])
    assert await shell.json("account", "link", "alice", "A3", *BY) == {"paid": []}
    status, table, _ = await shell("account", "show", "alice")
    assert (status, "a3" in table.split()) == (0, True)
    all_entries = (await shell.json("account", "history", "alice"))["entries"]
    assert sorted(each["address"] for each in all_entries) == ["a1", "a1", "a2", "a2"]
    status, _, line = await shell("account", "history")
    assert (status, "CUSTOMER or --address is expected" in line) == (2, True)


async def test_a_refund_of_spent_credit_is_refused_in_one_line(shell: Shell, counter: Counter) -> None:
    await counter.place("1", "alice", 5)
    await counter.claim("1", "a1")
    await counter.confirm(await counter.pay("a1", 5))
    assert "its sender has 0 left" in await shell.fails("payment", "refund", "1", "--reason", "sent back")


async def test_wallets_are_added_listed_and_removed(shell: Shell) -> None:
    status, said, told = await shell("wallet", "add", "Cold", "192.0.2.8", "--nonce", "41", "--actor", "bob", "--json")
    assert (status, '"actor":"cli:bob"' in told) == (0, True)
    wallet = json.loads(said)
    assert wallet == {"chain": "memory", "address": "cold", "ip_address": "192.0.2.8", "last_nonce": "41"}
    assert (await shell.json("wallet", "list"))["wallets"] == [wallet]
    assert "remove it first" in await shell.fails("wallet", "add", "cold", "192.0.2.8")
    assert "must be an IP address" in await shell.fails("wallet", "add", "other", "example.org")
    assert "chain must be one of: memory" in await shell.fails("wallet", "list", "--chain", "moon")
    assert (await shell("wallet", "remove", "cold"))[0] == 0
    assert "no such wallet" in await shell.fails("wallet", "remove", "cold")
    status, table, _ = await shell("wallet", "list")
    assert (status, len(table.splitlines())) == (0, 1)
