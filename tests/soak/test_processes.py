"""Three processes on one database: orders, claims, payments and confirmations go to any of them; one is killed."""

import asyncio
import random
from pathlib import Path

from tests.e2e.eventually import eventually
from tests.soak.orders import open_desks

CUSTOMERS = 40


async def test_whoever_is_asked_every_order_is_paid_once_and_no_money_is_made_or_lost(
    postgres_uri: str, tmp_path: Path
) -> None:
    chance = random.Random()
    async with open_desks(postgres_uri, tmp_path, chance, 3) as desks:

        async def under_way() -> bool:
            return bool(await desks.connection.fetchval("SELECT count(*) > 20 FROM payment_confirmations"))

        async with asyncio.TaskGroup() as group:
            group.create_task(desks.customers.visit(CUSTOMERS), name="customers")
            await eventually(under_way, "some of it is done")
            await desks.daemons[0].kill()
            await desks.daemons[0].start_ready()
        await desks.rest()
        verdict = await desks.audit(1)
    assert verdict.findings == []
    assert verdict.payments > CUSTOMERS
