"""A lite server that lies about the state of an account, under real masterchain blocks."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pytoniq_core import Cell as TheirCell

from harvester.storage.database import Database
from harvester_ton.devnet import blocks
from harvester_ton.devnet.cells import Cell
from harvester_ton.devnet.hashmap_aug import HashMap
from harvester_ton.devnet.local import LocalTon
from harvester_ton.tl import AccountAddress
from harvester_ton.verification import Reason
from tests.ton.hostile.account_lies import (
    AnotherAccount,
    AnotherShardBlock,
    ForgedState,
    MasterchainAccount,
    NoAccount,
    NoAccountBesideItsProof,
    OldAnswer,
    OldState,
    OldStateUnderTheNewShardBlock,
    SharedCells,
    StateLie,
    unfolding,
)
from tests.ton.hostile.bare_client import NO_PROOFS, believed_balance, believes_in_the_fortune, connected
from tests.ton.hostile.shop import AMOUNT, DAY_SECS, Doors, eventually, misses_nothing, refuses_to_believe
from tests.ton.hostile.worlds import FORTUNE, Clock, chain, enrich, merchant, raw_merchant
from tests.ton.verification.forged_answers import account_cell, accounts
from tests.ton.watching import needs_chain

pytestmark = needs_chain


async def test_hole_3_a_forged_state_under_a_real_block(ton: LocalTon, fork: LocalTon, doors: Doors) -> None:
    lie = ForgedState(fork, merchant(ton), ton)
    await enrich(fork, ton)
    assert await believes_in_the_fortune(ton, lie)
    async with doors.open() as shop:
        await shop.steal(fork)
        await refuses_to_believe(shop, lie, Reason.MALFORMED)


@pytest.mark.parametrize(
    ("lie_of", "reason"), [(NoAccount, Reason.MALFORMED), (NoAccountBesideItsProof, Reason.UNPROVEN)]
)
async def test_hole_4_no_account(ton: LocalTon, doors: Doors, lie_of: Any, reason: Reason) -> None:
    lie: StateLie = lie_of(merchant(ton))
    await ton.pay(merchant(ton), 5)
    assert await believed_balance(ton, lie) == 0
    async with doors.open() as shop:
        await misses_nothing(shop, lie, reason)


async def test_when_all_servers_hide_a_payment_the_invoice_does_not_expire(ton: LocalTon, doors: Doors) -> None:
    """Only proven chain time ends an invoice; what came in time counts as soon as somebody shows it."""
    async with doors.open() as shop:
        for server in ton.servers:
            server.faults.tamper = NoAccount(merchant(ton))
        await shop.pay()
        ton.advance(2 * DAY_SECS)
        await ton.produce_block(3)
        await eventually(lambda: shop.refusals().get(Reason.MALFORMED, 0) >= 2 * len(ton.servers), "refused twice each")
        await shop.unpaid()
        assert not shop.adapter.health().ready
        for server in ton.servers:
            server.faults.tamper = None
        await shop.paid()


@pytest.fixture
async def twin(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[LocalTon, HashMap]]:
    """A chain whose masterchain has an account with the hash part of the merchant's wallet, which is rich."""
    monkeypatch.chdir(tmp_path)
    rich: list[HashMap] = []
    honest: Callable[..., Cell] = blocks.shard_state

    def with_the_rich(header: blocks.Header, found: HashMap, **parts: Any) -> Cell:
        return honest(header, rich[0] if rich and header.workchain == blocks.MASTERCHAIN else found, **parts)

    monkeypatch.setattr(blocks, "shard_state", with_the_rich)
    async with chain(clock) as ton:
        named = AccountAddress(blocks.MASTERCHAIN, merchant(ton)[1])
        rich.append(accounts((named, account_cell(named, FORTUNE), 9, b"\1" * 32)))
        await ton.pay(merchant(ton), 5)
        yield ton, rich[0]


async def test_hole_5_an_account_of_the_masterchain(
    twin: tuple[LocalTon, HashMap], database: Database, clock: Clock
) -> None:
    ton, rich = twin
    lie = MasterchainAccount(ton, merchant(ton), rich)
    assert await believed_balance(ton, lie) == FORTUNE
    async with Doors(ton, database, clock).open() as shop:
        await refuses_to_believe(shop, lie, Reason.MALFORMED)


async def test_hole_9_shards_of_another_chain(ton: LocalTon, fork: LocalTon, doors: Doors) -> None:
    """What the library leaves unchecked (`test_other_lies`) is checked where it is used: in the state of an account."""
    async with doors.open() as shop:
        await shop.steal(fork)
        await refuses_to_believe(shop, AnotherShardBlock(fork, merchant(ton)), Reason.UNPROVEN)


async def test_without_proofs_shards_of_another_chain_rob_the_merchant(
    ton: LocalTon, fork: LocalTon, doors: Doors
) -> None:
    async with doors.open(verify="none") as shop:
        await shop.steal(fork)
        await shop.hear(AnotherShardBlock(fork, merchant(ton)))
        await shop.paid()
        assert ton.account(merchant(ton)).received_nano == 0


@pytest.mark.parametrize(
    ("lie_of", "reason"),
    [
        (OldAnswer, Reason.OTHER_QUESTION),
        (OldState, Reason.UNPROVEN),
        (OldStateUnderTheNewShardBlock, Reason.UNPROVEN),
    ],
)
async def test_a_replayed_old_state(ton: LocalTon, doors: Doors, lie_of: Any, reason: Reason) -> None:
    await ton.pay(merchant(ton), 5)
    lie: StateLie = lie_of(ton, merchant(ton))
    await ton.pay(merchant(ton), 6)
    if lie_of is not OldStateUnderTheNewShardBlock:
        assert await believed_balance(ton, lie, NO_PROOFS) == 5
    async with doors.open() as shop:
        await misses_nothing(shop, lie, reason)


async def test_another_account(ton: LocalTon, doors: Doors) -> None:
    async with doors.open() as shop:
        lie = AnotherAccount(ton, merchant(ton), ton.wallet("buyer").address)
        await refuses_to_believe(shop, lie, Reason.MALFORMED)


async def test_hole_12_a_state_that_unfolds_without_end(ton: LocalTon, doors: Doors) -> None:
    async with doors.open() as shop:
        await refuses_to_believe(shop, SharedCells(merchant(ton)), Reason.UNPROVEN)


async def test_hole_12_a_message_that_unfolds_without_end(
    ton: LocalTon, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can send one: it is no lie, and what comes after it must be credited."""
    assert await steps_to_write(ton, 12, monkeypatch) > 1 << 12
    async with doors.open() as shop:
        await ton.pay(merchant(ton), AMOUNT, payload=unfolding(500))
        await shop.pay()
        await shop.paid()
        assert shop.refusals() == {}
        assert shop.hostile.fault is None


async def steps_to_write(ton: LocalTon, depth: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many cells the library visits to write a body of `depth` cells that it has read from the chain."""
    await ton.pay(merchant(ton), 5, payload=unfolding(depth))
    async with connected(ton) as bare:
        [came] = await bare.get_transactions(raw_merchant(ton), 1)
    steps = 0
    honest = TheirCell.order

    def counted(cell: Any, result: Any) -> Any:
        nonlocal steps
        steps += 1
        return honest(cell, result)

    monkeypatch.setattr(TheirCell, "order", counted)
    came.in_msg.body.to_boc()
    monkeypatch.undo()
    return steps
