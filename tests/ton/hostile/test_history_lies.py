"""A lite server that lies about the history of an account whose state is real."""

import pytest

from harvester_ton.devnet.accounts import raw_address
from harvester_ton.devnet.local import LocalTon
from harvester_ton.verification import Reason
from tests.ton.hostile.bare_client import NO_PROOFS, believed_amounts, connected
from tests.ton.hostile.history_lies import (
    Change,
    HistoryLie,
    doubled,
    empty,
    only_the_newest,
    reversed_,
    swapped,
    with_a_foreign_one,
    with_comment_pruned,
    with_messages_pruned,
    without_one,
    without_the_newest,
)
from tests.ton.hostile.shop import Doors, misses_nothing
from tests.ton.hostile.worlds import make_hostile, merchant, merchant_wallet
from tests.ton.watching import needs_chain

pytestmark = needs_chain


@pytest.mark.parametrize(
    ("change", "believed"),
    [
        (without_one, [4, 2, 1]),
        (without_the_newest, [3, 2, 1]),
        (doubled, [4, 4, 3, 2, 1]),
        (swapped, [3, 4, 2, 1]),
        (reversed_, [1, 2, 3, 4]),
    ],
)
async def test_hole_10_a_history_with_one_missing_doubled_or_moved(
    ton: LocalTon, doors: Doors, change: Change, believed: list[int]
) -> None:
    for amount in (1, 2, 3, 4):
        await ton.pay(merchant(ton), amount)
    lie = HistoryLie(merchant(ton), change, least=2)
    assert await believed_amounts(ton, lie, NO_PROOFS, 4) == believed
    async with doors.open() as shop:
        await misses_nothing(shop, lie, Reason.BROKEN_CHAIN)


async def test_a_history_with_a_foreign_transaction(ton: LocalTon, doors: Doors) -> None:
    for amount in (1, 2):
        await ton.pay(merchant(ton), amount)
    await ton.pay(ton.wallet("buyer2").address, 99)
    lie = HistoryLie(merchant(ton), with_a_foreign_one(ton, ton.wallet("buyer2").address))
    assert await believed_amounts(ton, lie, NO_PROOFS, 4) == [2, 99, 1]
    async with doors.open() as shop:
        await misses_nothing(shop, lie, Reason.BROKEN_CHAIN)


async def test_hole_10_an_empty_page(ton: LocalTon, doors: Doors) -> None:
    async with doors.open() as shop:
        await misses_nothing(shop, HistoryLie(merchant(ton), empty), Reason.NO_STEPS)


async def test_hole_10_a_short_page_is_no_lie_and_leads_on(ton: LocalTon, doors: Doors) -> None:
    lie = HistoryLie(merchant(ton), only_the_newest)
    for amount in (1, 2, 3):
        await ton.pay(merchant(ton), amount)
    assert await believed_amounts(ton, lie, NO_PROOFS, 3) == [3]
    async with doors.open() as shop:
        await shop.hear(lie)
        await shop.pay(among=(7, 8))
        await shop.paid()
        assert shop.refusals() == {}
        assert lie.told >= 3


async def test_hole_6_a_jetton_notification_pruned_away(ton: LocalTon, doors: Doors) -> None:
    lie = HistoryLie(merchant_wallet(ton), with_messages_pruned)
    await ton.pay(merchant(ton), 7, "USDX")
    make_hostile(ton, lie)
    async with connected(ton) as bare:
        [came] = await bare.get_transactions(raw_address(merchant_wallet(ton)), 1)
        assert (came.outmsg_cnt, came.out_msgs) == (2, [])
    async with doors.open("USDX") as shop:
        await misses_nothing(shop, lie, Reason.HIDDEN)


async def test_hole_6_what_a_payment_is_for_pruned_away(ton: LocalTon, doors: Doors) -> None:
    lie = HistoryLie(merchant(ton), with_comment_pruned)
    await ton.pay(merchant(ton), 7, text="for an order")
    make_hostile(ton, lie)
    async with connected(ton) as bare:
        [came] = await bare.get_transactions(raw_address(merchant(ton)), 1)
        assert came.in_msg.body.type_ == 1  # a pruned branch
    async with doors.open() as shop:
        await misses_nothing(shop, lie, Reason.HIDDEN)
