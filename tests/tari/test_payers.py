"""Whose money a payment is."""

from dataclasses import replace

import pytest
from hypothesis import given

from harvester.domain.errors import InvalidInput
from harvester_tari.address import Network
from harvester_tari.payers import parse_payer, payer_of
from harvester_tari.wallet_messages import IncomingPayment
from tests.tari.builders import ADDRESS, DUAL_ADDRESS, MAINNET, NOBODYS, paying, payments


def test_it_is_the_senders_whatever_address_of_his_it_comes_from() -> None:
    assert payer_of(replace(paying(), sender=DUAL_ADDRESS)) == payer_of(paying()) == ADDRESS.payer


def test_strangers_who_hide_do_not_share_an_account() -> None:
    first, second = (replace(paying(), sender=NOBODYS, txid=txid) for txid in ("t1", "t2"))
    assert payer_of(first) == f"{NOBODYS.payer}:t1"
    assert payer_of(first) != payer_of(second)


@given(payments)
def test_the_name_of_a_payer_means_itself(payment: IncomingPayment) -> None:
    for each in (payment, replace(payment, sender=replace(payment.sender, spend_key=bytes(32)))):
        assert parse_payer(payer_of(each), each.sender.network) == payer_of(each)


def test_an_owner_has_no_payers_by_transaction() -> None:
    with pytest.raises(InvalidInput, match="nobody's"):
        parse_payer(f"{ADDRESS}:t1", MAINNET)
    with pytest.raises(InvalidInput, match="txid"):
        parse_payer(f"{NOBODYS}:", MAINNET)
    with pytest.raises(InvalidInput, match="igor"):
        parse_payer(f"{replace(NOBODYS, network=Network.IGOR)}:t1", MAINNET)
