"""A lite server that lies about which masterchain blocks there are."""

import asyncio
from functools import partial
from typing import Any

import pytest
from pytoniq_core.proof.check_proof import ProofError

from harvester_ton.devnet.local import LocalTon
from harvester_ton.verification import Reason
from tests.ton.hostile.bare_client import (
    ALL_PROOFS,
    SOME_PROOFS,
    balance,
    believes_in_the_fortune,
    client,
    connected,
)
from tests.ton.hostile.chain_lies import (
    AnotherNetwork,
    ChainOfItsOwn,
    JumpsBack,
    NoSteps,
    OldBlockRenumbered,
    OldSignersByTheBackDoor,
    OneSignerCountedOften,
    StrangersUnderTheRealConfig,
    TwoThirds,
    WrongSigners,
)
from tests.ton.hostile.lies import GET_BLOCK_PROOF, AnotherChain
from tests.ton.hostile.shop import Doors, eventually, refuses_to_believe
from tests.ton.hostile.worlds import enrich, make_hostile, merchant
from tests.ton.watching import needs_chain

pytestmark = needs_chain


async def test_hole_1_a_chain_of_the_servers_own(ton: LocalTon, thief: LocalTon, doors: Doors) -> None:
    lie = ChainOfItsOwn(thief)
    await enrich(thief, ton)
    assert await believes_in_the_fortune(ton, lie)
    async with doors.open() as shop:
        await shop.steal(thief)
        await refuses_to_believe(shop, lie, Reason.UNPROVEN)


@pytest.mark.parametrize("lie_of", [ChainOfItsOwn, AnotherNetwork])
async def test_without_proofs_the_merchant_is_robbed(ton: LocalTon, thief: LocalTon, doors: Doors, lie_of: Any) -> None:
    """What the lies of these tests are worth: VERIFY=none believes them."""
    async with doors.open(verify="none") as shop:
        await shop.steal(thief)
        await shop.hear(lie_of(thief))
        await shop.paid()
        assert ton.account(merchant(ton)).received_nano == 0


@pytest.mark.parametrize("signed", [OneSignerCountedOften, TwoThirds])
async def test_hole_2_too_few_signers(ton: LocalTon, fork: LocalTon, doors: Doors, signed: Any) -> None:
    """One of three validators counted three times, and exactly two thirds of the weight."""
    lie = signed(fork)
    await enrich(fork, ton)
    assert await believes_in_the_fortune(ton, lie)
    async with doors.open() as shop:
        await shop.steal(fork)
        await refuses_to_believe(shop, lie, Reason.SIGNATURES)


async def test_a_fork_signed_by_strangers(ton: LocalTon, fork: LocalTon, doors: Doors) -> None:
    """They sign in the name of the right set. The library knows better, too."""
    lie = WrongSigners(fork)
    await enrich(fork, ton)
    with pytest.raises(ProofError):
        await believes_in_the_fortune(ton, lie)
    async with doors.open() as shop:
        await shop.steal(fork)
        await refuses_to_believe(shop, lie, Reason.SIGNATURES)


async def test_a_fork_signed_by_the_wrong_set(ton: LocalTon, thief: LocalTon, doors: Doors) -> None:
    """They sign in their own name, under a config that names others."""
    lie = StrangersUnderTheRealConfig(thief, ton)
    await ton.produce_block()
    await enrich(thief, ton)
    with pytest.raises(ProofError):
        await believes_in_the_fortune(ton, lie)
    async with doors.open() as shop:
        await shop.steal(thief)
        await refuses_to_believe(shop, lie, Reason.VALIDATORS)


async def test_hole_11_proofs_without_steps(ton: LocalTon, doors: Doors) -> None:
    lie = NoSteps()
    await asks_for_ever(ton, lie)
    async with doors.open() as shop:
        await refuses_to_believe(shop, lie, Reason.NO_STEPS)


async def asks_for_ever(ton: LocalTon, lie: NoSteps) -> None:
    """The library asks again and again, and goes on after it was cancelled."""

    def asked(times: int) -> bool:
        return lie.told >= times

    await ton.produce_block()
    make_hostile(ton, lie)
    bare = client(ton, ALL_PROOFS)
    connecting = asyncio.create_task(bare.connect(), name="connect")
    for count in (10, 20):
        await eventually(partial(asked, count), f"asked {count} times")
        assert not connecting.done()
        connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)
    await bare.close()
    assert lie.asked[GET_BLOCK_PROOF] == lie.told


async def test_hole_13_back_to_old_validators_and_forward(ton: LocalTon, fork: LocalTon, doors: Doors) -> None:
    ton.rotate_validators()
    key = await ton.produce_block()
    lie = OldSignersByTheBackDoor(fork, ton)
    await enrich(fork, ton)
    assert await believes_in_the_fortune(ton, lie, init=key.master.id.seqno)
    async with doors.open() as shop:
        await shop.steal(fork)
        await refuses_to_believe(shop, lie, Reason.BACKWARD)


async def test_hole_14_an_old_block_under_a_new_number(ton: LocalTon, doors: Doors) -> None:
    lie = OldBlockRenumbered(ton)
    make_hostile(ton, lie)
    async with connected(ton) as bare:
        assert bare.last_mc_block.seqno == lie.new.seqno > ton.seqno
    async with doors.open() as shop:
        await refuses_to_believe(shop, lie, Reason.HEADER)


async def test_validators_that_are_one_key_block_stale(ton: LocalTon, fork: LocalTon, doors: Doors) -> None:
    before = ton.chain.validators
    for each in (ton, fork):
        each.rotate_validators()
        await each.produce_block()
    fork.chain.validators = before
    async with doors.open() as shop:
        await shop.steal(fork)
        assert fork.chain.head.prev_key_seqno == ton.chain.head.master.id.seqno
        await refuses_to_believe(shop, AnotherChain(fork), Reason.VALIDATORS)


async def test_a_signed_fork_of_what_was_proven_stops_the_scan(ton: LocalTon, fork: LocalTon, doors: Doors) -> None:
    """The right validators have signed two chains: nobody is to be believed any more, and people must decide."""
    await ton.produce_block(5)
    async with doors.open() as shop:
        fork.rotate_validators()
        await shop.steal(fork)
        await shop.hear(AnotherChain(fork))
        await eventually(lambda: "contradicts" in str(shop.adapter.health().reasons), "stopped")
        await shop.pay()
        await ton.produce_block(3)
        await shop.unpaid()
        assert shop.refusals() == {Reason.CONTRADICTION: 1}
        assert not shop.adapter.health().ready


async def test_another_network(ton: LocalTon, thief: LocalTon, doors: Doors) -> None:
    await enrich(thief, ton)
    assert await believes_in_the_fortune(ton, AnotherNetwork(thief), SOME_PROOFS)
    async with doors.open() as shop:
        await shop.steal(thief)
        await refuses_to_believe(shop, AnotherNetwork(thief), Reason.OTHER_QUESTION)


async def test_another_network_that_does_not_pretend(ton: LocalTon, thief: LocalTon, doors: Doors) -> None:
    """It does not know the trusted block, and says so: nobody lies, and it is not used."""
    async with doors.open() as shop:
        await shop.steal(thief)
        await shop.hear(AnotherChain(thief))
        await ton.produce_block()
        await shop.unpaid()
        await shop.pay()
        await shop.paid()
        assert shop.refusals() == {}


async def test_a_lag_that_jumps_back(ton: LocalTon, doors: Doors) -> None:
    lie = JumpsBack(ton)
    await ton.produce_block(5)
    await ton.pay(merchant(ton), 7)
    async with connected(ton, SOME_PROOFS) as bare:
        assert await balance(bare, merchant(ton)) == 7
        make_hostile(ton, lie)
        await bare.update_last_blocks()
        assert await balance(bare, merchant(ton)) == 0
    async with doors.open() as shop:
        await shop.hear(lie)
        await shop.pay()
        await eventually(lambda: "named block" in (shop.hostile.fault or ""), "put aside")
        await shop.paid()
        assert shop.refusals() == {}
