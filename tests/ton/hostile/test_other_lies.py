"""A lite server that lies about get-methods, configs and shards, or sends what is no answer."""

from collections.abc import Callable
from typing import Final

import pytest
from pytoniq_core import Address as TheirAddress
from pytoniq_core import begin_cell

from harvester_ton.boc import parse_boc
from harvester_ton.devnet.accounts import raw_address
from harvester_ton.devnet.boc import write_boc
from harvester_ton.devnet.cells import LIBRARY, Builder, Cell
from harvester_ton.devnet.local import LocalTon
from harvester_ton.proving import ProvingSource
from harvester_ton.tl import GET_ACCOUNT_STATE, GET_LIBRARIES, GET_TRANSACTIONS, RUN_SMC_METHOD
from harvester_ton.verification import Reason
from tests.ton.hostile.bare_client import connected
from tests.ton.hostile.lies import GET_BLOCK_PROOF, GET_CONFIG_ALL, Tampering
from tests.ton.hostile.other_lies import AnotherConfig, AnotherShard, AnotherWallet, Library, bloated, cut, prolonged
from tests.ton.hostile.shop import Doors, misses_nothing
from tests.ton.hostile.worlds import HONEST, make_hostile, merchant
from tests.ton.watching import needs_chain

pytestmark = needs_chain


async def test_hole_7_another_jetton_wallet(ton: LocalTon, doors: Doors) -> None:
    """No proof says what a get-method gives: it runs here, and no server is asked for its result."""
    master, thiefs = ton.jetton("USDX").master, ton.wallet("buyer3").address
    lie = AnotherWallet(master, thiefs)
    make_hostile(ton, lie)
    async with connected(ton) as bare:
        owner = begin_cell().store_address(TheirAddress(merchant(ton))).end_cell().begin_parse()
        [wallet] = await bare.run_get_method(raw_address(master), "get_wallet_address", [owner])
        assert wallet.load_address() == TheirAddress(thiefs)
    lie.asked.clear()
    async with doors.open("USDX") as shop:
        await shop.hear(lie)
        await shop.pay()
        await shop.paid()
        assert RUN_SMC_METHOD not in lie.asked
        assert shop.refusals() == {}


async def test_hole_8_another_config(ton: LocalTon, thief: LocalTon, doors: Doors) -> None:
    """The library's local get-methods run with whatever config it is given."""
    lie = AnotherConfig(thief)
    make_hostile(ton, lie)
    async with connected(ton) as bare:
        config = await bare._get_config_cell(bare.last_mc_block)
        assert config.hash == thief.chain.config.hash != ton.chain.config.hash
    async with doors.open("USDX") as shop:
        await misses_nothing(shop, lie, Reason.UNPROVEN)


async def test_a_library_that_is_withheld_is_asked_of_others(ton: LocalTon, doors: Doors) -> None:
    """Nothing proves that the masterchain lacks a library; without it a get-method fails, and payments are held up."""
    library = Builder().uint(5, 8).end()
    [named] = parse_boc(write_boc(Cell(b"\x02" + library.hash, 264, (), LIBRARY)))
    async with doors.open() as shop:
        await shop.hear(Tampering(GET_LIBRARIES, bytes))
        source = shop.adapter._source
        assert isinstance(source, ProvingSource)
        assert await source._libraries(named) == {}
        ton.servers[HONEST].faults.tamper = Library(library)
        found = await source._libraries(named)
        assert [root.hash for root in found.values()] == [library.hash]


async def test_hole_9_another_shard(ton: LocalTon, thief: LocalTon) -> None:
    """The library believes the description; we read the shard from the proof (`test_account_lies`)."""
    make_hostile(ton, AnotherShard(thief))
    async with connected(ton) as bare:
        assert (await bare.raw_get_shard_info()).root_hash == thief.chain.head.shard.id.root_hash


QUESTIONS: Final = {
    "block proof": GET_BLOCK_PROOF,
    "account state": GET_ACCOUNT_STATE,
    "transactions": GET_TRANSACTIONS,
    "config": GET_CONFIG_ALL,
}


@pytest.mark.parametrize("change", [cut, prolonged])
@pytest.mark.parametrize("kind", QUESTIONS.values(), ids=QUESTIONS)
async def test_cut_and_prolonged_answers(doors: Doors, kind: bytes, change: Callable[[bytes], bytes]) -> None:
    async with doors.open("USDX") as shop:
        await misses_nothing(shop, Tampering(kind, change), Reason.MALFORMED)


@pytest.mark.parametrize("kind", QUESTIONS.values(), ids=QUESTIONS)
async def test_answers_that_are_too_large(doors: Doors, kind: bytes) -> None:
    """A page of history that is too large is asked for again, smaller, before its server is blamed."""
    async with doors.open("USDX") as shop:
        await misses_nothing(shop, Tampering(kind, bloated), Reason.TOO_LARGE)
