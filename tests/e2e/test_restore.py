"""A backup of a running shop, brought back as docs/operations.md says: the chain fills in what it does not know."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from harvester.storage.embedded import postgres_binaries
from tests.conftest import new_database
from tests.e2e.chain import Chain, payment_of
from tests.e2e.conftest import World, open_world_on
from tests.e2e.eventually import eventually

pytestmark = [pytest.mark.chain, pytest.mark.asyncio(loop_scope="module")]

AMOUNT = 7_000_000


async def run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs."""
    process = await asyncio.create_subprocess_exec(
        postgres_binaries() / program, *arguments, stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await process.communicate()
    assert process.returncode == 0, stderr.decode()


async def ledger(world: World) -> list[dict[str, Any]]:
    status, stdout, stderr = await world.harvester("payment", "list", "--json", "--limit", "1000")
    assert status == 0, stderr
    payments: list[dict[str, Any]] = json.loads(stdout)["payments"]
    return payments


async def pay(world: World, *invoices: dict[str, Any]) -> None:
    for invoice in invoices:
        await world.chain.pay(payment_of(invoice))


async def test_a_restored_backup_is_filled_in_from_the_chain_and_doubles_nothing(
    chain: Chain, postgres_uri: str, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("before", "after")]
    for folder in folders:
        folder.mkdir()
    backup = str(tmp_path / "harvester.dump")
    async with new_database(postgres_uri) as lost_uri, new_database(postgres_uri) as restored_uri:
        async with open_world_on(chain, lost_uri, folders[0]) as world:
            known = [await world.shop.create("TON", AMOUNT) for _ in range(5)]
            await pay(world, known[0], known[1])
            for invoice in known[:2]:
                await world.backend.event(invoice["id"], "paid")
            await run("pg_dump", "--format=custom", f"--file={backup}", lost_uri)
            forgotten = await world.shop.create("TON", AMOUNT)
            await pay(world, known[2], known[3], forgotten)
            await world.backend.event(forgotten["id"], "paid")
        await chain.pay(payment_of(known[4]))

        await run(
            "pg_restore", "--clean", "--if-exists", "--no-owner", "--exit-on-error", f"--dbname={restored_uri}", backup
        )
        async with open_world_on(chain, restored_uri, folders[1]) as world:
            for invoice in known[2:]:
                await world.backend.event(invoice["id"], "paid")
            await eventually(lambda: in_balance(world), "the ledger holds what came on the chain")
            for invoice in known:
                shown = await world.shop.get(invoice["id"])
                assert (shown["status"], shown["overpayment"]) == ("paid", "0")
            booked = [(payment["reference"], payment["class"]) for payment in await ledger(world)]
    assert sorted(booked) == sorted([*((each["id"], "exact") for each in known), (forgotten["id"], "unmatched")])


async def in_balance(world: World) -> bool:
    """Whether the payments of the restored ledger add up to what the chain says."""
    received = (await world.chain.received())["ton"]
    return sum(int(payment["amount"]) for payment in await ledger(world)) == received
