"""A daemon is killed after it has committed, before it has answered: the wallet tries again, and nothing is lost."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from harvester.domain.lifecycle import Status
from tests.e2e.daemon import Daemon
from tests.e2e.eventually import eventually
from tests.e2e.memory_adapter import REPOSITORY
from tests.e2e.tari_shop import HotWallet, Owner, Reply, TariShop, open_shop_of, settings

HOLD = "hold"


@pytest.fixture
async def shop(database_uri: str, tmp_path: Path) -> AsyncIterator[TariShop]:
    """A daemon that answers nobody while the file HOLD is in its folder."""
    wallet = HotWallet()
    told = settings(database_uri, wallet, HOLD=HOLD, PYTHONPATH=str(REPOSITORY))
    daemon = Daemon(told, tmp_path, (sys.executable, "-m", "tests.e2e.held"))
    try:
        await daemon.start_ready()
        async with open_shop_of(daemon, wallet) as opened:
            await opened.authorise(wallet)
            yield opened
    finally:
        await daemon.kill()


async def killed_before_the_answer(
    shop: TariShop, ask: Callable[[], Awaitable[Reply]], done: Callable[[], Awaitable[bool]]
) -> None:
    """Ask, kill the daemon when it has done it, and start it again."""
    hold = shop.daemon.folder / HOLD
    hold.touch()
    asking = asyncio.ensure_future(ask())
    await eventually(done, "it is done")
    await shop.daemon.kill()
    with suppress(aiohttp.ClientError):
        raise AssertionError(await asking)
    hold.unlink()
    await shop.daemon.start_ready()


async def test_whatever_is_lost_is_asked_for_again_and_done_once(shop: TariShop) -> None:
    alice = Owner()
    await shop.place("1", "alice", 10)
    await shop.place("2", "bob", 10, age=timedelta(hours=3))

    async def is_now(status: Status, order_id: str = "1") -> bool:
        return (await shop.order(order_id)).status is status

    async def is_recorded() -> bool:
        return await shop.count("payments") == 1

    await killed_before_the_answer(shop, lambda: shop.claim(alice, "1"), lambda: is_now(Status.WAITING))
    assert (await shop.claim(alice, "1")).json["status"] == "New"

    report = shop.wallet.payment(alice, 12, "t1")
    await killed_before_the_answer(shop, lambda: shop.tell("incoming_payment", report), is_recorded)
    assert (await shop.tell("incoming_payment", report)).status == 401
    assert (await shop.report(alice, 12, "t1")).json == {"success": True, "message": "Payment already exists."}

    await killed_before_the_answer(shop, lambda: shop.confirm("t1"), lambda: is_now(Status.PAID))
    assert (await shop.confirm("t1")).json == {"success": True, "message": "Payment already confirmed."}

    assert await shop.events("1") == ["invoice.created", "invoice.claimed", "invoice.paid"]
    assert await shop.count("credit_entries") == 2
    await eventually(lambda: is_now(Status.EXPIRED, "2"), "what is over expires when a daemon starts")
