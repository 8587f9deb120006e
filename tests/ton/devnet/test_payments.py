"""Payments on the local chain, told apart by what the reference library reads from them."""

from __future__ import annotations

import itertools

import pytest
from pytoniq_core import Cell
from pytoniq_core.tlb.transaction import Transaction as TonTransaction

from harvester_ton.devnet.accounts import Transaction, raw_address
from harvester_ton.devnet.boc import write_flat
from harvester_ton.devnet.cells import Builder
from harvester_ton.devnet.local import LocalTon, Payment, comment

NANO = 10**9
WALLETS = ["buyer", "buyer2", "buyer3", "exchange"]
NOTIFICATION, INTERNAL_TRANSFER = 0x7362D09C, 0x178D4519


def parsed(transaction: Transaction) -> TonTransaction:
    """The transaction as pytoniq-core reads it."""
    return TonTransaction.deserialize(Cell.one_from_boc(write_flat([transaction.flat])).begin_parse())


def on(account: tuple[int, bytes], transactions: tuple[Transaction, ...]) -> list[TonTransaction]:
    return [parsed(each) for each in transactions if each.address == account]


@pytest.mark.parametrize("sender", WALLETS)
async def test_every_wallet_version_pays_coins_with_a_comment(ton: LocalTon, sender: str) -> None:
    merchant = ton.wallets["merchant"].address
    paid = await ton.pay(merchant, NANO, sender=sender, text="order 7", count=9)
    got = on(merchant, paid.transactions)
    assert [each.in_msg.info.value.grams for each in got] == [NANO] * 9
    assert got[0].in_msg.body.begin_parse().skip_bits(32).load_snake_string() == "order 7"
    assert ton.account(merchant).received_nano == 9 * NANO


@pytest.mark.parametrize("sender", WALLETS)
async def test_every_wallet_version_pays_jettons_and_the_owner_is_notified(ton: LocalTon, sender: str) -> None:
    merchant, jetton = ton.wallets["merchant"].address, ton.jetton("USDX")
    paid = await ton.pay(merchant, 5_000_000, "USDX", sender=sender, text="order 8")
    [notified] = on(merchant, paid.transactions)
    body = notified.in_msg.body.begin_parse()
    assert body.load_uint(32) == NOTIFICATION
    body.skip_bits(64)
    assert body.load_coins() == 5_000_000
    assert notified.in_msg.info.src.hash_part == jetton.wallet_of(merchant)[1]
    assert (notified.in_msg.info.value.grams, notified.description.aborted) == (1, True)
    assert ton.jetton_balance(jetton, merchant) == 5_000_000


async def test_jettons_without_forward_amount_arrive_unannounced(ton: LocalTon) -> None:
    merchant, jetton = ton.wallets["merchant"].address, ton.jetton("EURX")
    paid = await ton.pay(merchant, 7, "EURX", forward_amount_nano=0)
    assert on(merchant, paid.transactions) == []
    [credited] = on(jetton.wallet_of(merchant), paid.transactions)
    assert credited.in_msg.body.begin_parse().load_uint(32) == INTERNAL_TRANSFER
    assert ton.jetton_balance(jetton, merchant) == 7


async def test_a_payload_cell_arrives_as_it_was_given(ton: LocalTon) -> None:
    payload = Builder().uint(0x7AA23EB5, 32).uint(1, 136).end()
    merchant = ton.wallets["merchant"].address
    paid = await ton.pay(merchant, 1, payload=payload)
    assert on(merchant, paid.transactions)[0].in_msg.body.hash == payload.hash


async def test_a_bounceable_payment_to_nobody_comes_back_and_leaves_no_account(ton: LocalTon) -> None:
    nobody = (0, b"\x09" * 32)
    paid = await ton.pay(nobody, NANO, bounce=True)
    assert len(on(nobody, paid.transactions)) == 1
    assert (ton.account(nobody).exists, ton.account(nobody).received_nano) == (False, 0)
    returned = parsed(paid.transactions[-1])
    assert returned.in_msg.info.bounced
    await ton.pay(nobody, NANO)
    lt, _ = ton.account(nobody).last
    assert parsed(ton.account(nobody).by_lt[lt]).prev_trans_lt == 0


async def test_an_account_receives_before_and_after_its_wallet_is_deployed(ton: LocalTon) -> None:
    merchant = ton.wallets["merchant"].address
    await ton.pay(merchant, NANO)
    assert ton.account(merchant).code_and_data is None
    await ton.deploy_wallet()
    paid = await ton.pay(merchant, NANO)
    assert ton.account(merchant).code_and_data is not None
    assert not on(merchant, paid.transactions)[0].description.aborted


async def test_fifty_payments_of_different_wallets_fit_into_one_block(ton: LocalTon) -> None:
    merchant, before = ton.wallets["merchant"].address, ton.seqno
    payments = [Payment(merchant, NANO + i, sender=WALLETS[i % 4]) for i in range(50)]
    await ton.burst(payments)
    assert (ton.seqno, ton.account(merchant).received_nano) == (before + 1, sum(p.amount for p in payments))


async def test_logical_time_rises_and_whole_seconds_are_shared_by_blocks(ton: LocalTon) -> None:
    paid = await ton.pay(ton.wallets["merchant"].address, NANO, "USDX", count=5)
    lts = [transaction.lt for transaction in paid.transactions]
    assert len(set(lts)) == len(lts) > 20
    ton.advance(30)
    blocks = [(await ton.produce_block()).master for _ in range(3)]
    assert blocks[0].gen_utime == int(ton.now())
    assert all(a.end_lt < b.end_lt and a.gen_utime <= b.gen_utime for a, b in itertools.pairwise(blocks))


async def test_a_counterfeit_shares_the_ticker_but_not_the_master(ton: LocalTon) -> None:
    fake = await ton.add_jetton("USDX", 6)
    merchant = ton.wallets["merchant"].address
    await ton.pay(merchant, 5, raw_address(fake.master))
    assert (ton.jetton_balance(fake, merchant), ton.jetton_balance(ton.jetton("USDX"), merchant)) == (5, 0)


async def test_blocks_that_are_stopped_keep_payments_waiting_and_resume_delivers_them() -> None:
    async with LocalTon(block_seconds=0.02) as ton:
        merchant = ton.wallets["merchant"].address
        assert (await ton.pay(merchant, NANO)).block_seqno is not None
        await ton.stop_blocks()
        assert (await ton.pay(merchant, NANO)).block_seqno is None
        ton.start_blocks()
        while ton.account(merchant).received_nano < 2 * NANO:
            await ton.heads.next()


@pytest.mark.parametrize(
    "wrong",
    [{"asset": "NONE"}, {"sender": "nobody"}, {"to": "0:12"}, {"text": "a", "payload": comment("b")}, {"count": 0}],
)
async def test_a_wrong_payment_is_refused_with_a_sentence(ton: LocalTon, wrong: dict[str, object]) -> None:
    details = {"to": "0:" + "11" * 32, "amount": 1} | wrong
    with pytest.raises(ValueError, match=r"\w{2,} .*\w"):
        await ton.pay(**details)  # type: ignore[arg-type]  # wrong on purpose
    assert ton.chain.waiting == 0


def test_a_long_comment_is_what_the_reference_library_reads() -> None:
    text = "ä" * 700
    from harvester_ton.devnet.boc import write_boc

    cell = Cell.one_from_boc(write_boc(comment(text)))
    assert cell.begin_parse().skip_bits(32).load_snake_string() == text
