"""Which order a payment names, and whose word that is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester_tari.claims import Claim
from harvester_tari.order_reference import OrderReference, order_reference
from harvester_tari.strict_json import write_compact
from tests.tari.builders import ADDRESS, KEY, MAINNET, NOBODYS, OTHER_ADDRESS, OTHER_KEY, paying, texts
from tests.tari.vectors import body_of, vector

CLAIM = write_compact(Claim.sign(OTHER_KEY, OTHER_ADDRESS, "claimed").to_members())
FORGED = write_compact(Claim.sign(KEY, OTHER_ADDRESS, "claimed").to_members())


def named(memo: str | None = None, order_id: str | None = None, number_prefix: str | None = None) -> OrderReference:
    """Return what a payment from ADDRESS names."""
    return order_reference(paying(memo, order_id), MAINNET, number_prefix)


def test_a_signed_claim_in_the_memo_ties_its_signer_whoever_pays() -> None:
    assert OTHER_ADDRESS != ADDRESS
    assert named(CLAIM) == OrderReference("claimed", OTHER_ADDRESS)


@pytest.mark.parametrize("number_prefix", [None, "", "#"])
def test_a_signed_claim_goes_before_the_word_of_the_wallet(number_prefix: str | None) -> None:
    assert named(CLAIM, "told", number_prefix) == OrderReference("claimed", OTHER_ADDRESS)


def test_an_order_that_no_payer_signed_for_is_named_but_becomes_nobodys() -> None:
    for memo in (None, "", "thanks", FORGED, "{}"):
        assert named(memo, "told") == OrderReference("told", claimant=None)


def test_where_no_signature_is_needed_the_order_becomes_the_senders() -> None:
    assert named("thanks 7", "told", "#") == OrderReference("told", ADDRESS)


def test_a_sender_whom_nobody_knows_is_tied_to_nothing() -> None:
    unknown = replace(paying("order 7"), sender=NOBODYS)
    assert order_reference(unknown, MAINNET, "") == OrderReference("7", claimant=None)


@pytest.mark.parametrize(
    ("memo", "number"),
    [
        ("order #12345", "12345"),
        ("order 1000", "1000"),
        ("#2000", "2000"),
        ("Order number 1002", "1002"),
        ("order#: 1007", "1007"),
        ("007 or 8", "007"),
    ],
)
def test_where_no_signature_is_needed_the_first_number_in_a_memo_names_an_order(memo: str, number: str) -> None:
    assert named(memo, None, "") == OrderReference(number, ADDRESS)
    assert named(memo, None, "#") == OrderReference(f"#{number}", ADDRESS)
    assert named(memo) == OrderReference(None, reason="its memo holds no signed claim")


@pytest.mark.parametrize("number_prefix", [None, "", "#"])
def test_a_claim_that_is_not_signed_names_nothing_not_even_by_its_digits(number_prefix: str | None) -> None:
    found = named(FORGED, None, number_prefix)
    assert found == OrderReference(None, reason="the claim in its memo is not signed by its address")
    broken = named('{"order_id": 7}', None, number_prefix)
    assert (broken.order_id, broken.reason) == (None, "its memo holds no claim: address must be text")


def test_a_claim_on_another_network_names_nothing() -> None:
    memo = body_of(vector("synthetic: memo, dual address, esmeralda")).decode()
    found = named(memo, None, "")
    assert found.order_id is None
    assert "esmeralda" in str(found.reason)


def test_without_memo_and_order_no_order_is_named() -> None:
    for memo, order_id in ((None, None), ("", ""), (None, "")):
        assert named(memo, order_id, "#") == OrderReference(None, reason="it names no order")


@pytest.mark.parametrize("order_id", ["x" * 256, "a\x00", "a\nb", "\u202e1"])
def test_what_cannot_be_an_order_id_is_none_but_the_payment_still_one(order_id: str) -> None:
    found = named(None, order_id)
    assert found.order_id is None
    assert "1 to 255 printable characters" in str(found.reason)


def test_a_number_that_is_too_long_for_an_order_is_none() -> None:
    assert named("9" * 255, None, "").order_id == "9" * 255
    assert named("9" * 255, None, "#").order_id is None


def test_digits_of_other_scripts_are_no_number() -> None:
    assert named("order ٣٤", None, "").order_id is None


@given(st.none() | texts, st.none() | texts, st.sampled_from([None, "", "#"]))
def test_every_payment_names_an_order_or_says_why_not(
    memo: str | None, order_id: str | None, number_prefix: str | None
) -> None:
    found = named(memo, order_id, number_prefix)
    assert (found.order_id is None) == (found.reason is not None)
    assert found.claimant is None or found.order_id is not None
    assert number_prefix is not None or found.claimant is None
