"""Addresses in every form people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytoniq_core import Address

from harvester.domain.errors import InvalidInput
from harvester_ton.address import format_address, parse_address, split_address

RAW = "0:81" + "0" * 60 + "88"


def test_the_known_forms_of_one_address() -> None:
    assert format_address(RAW, bounceable=False) == "UQCBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAiJ2x"
    assert parse_address("UQCBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAiJ2x") == RAW
    assert split_address(RAW) == (0, b"\x81" + bytes(30) + b"\x88")


@given(st.sampled_from([0, -1, 1, 127, -128]), st.binary(min_size=32, max_size=32))
def test_all_forms_that_pytoniq_writes_are_read(workchain: int, account: bytes) -> None:
    their = Address((workchain, account))
    raw = f"{workchain}:{account.hex()}"
    assert parse_address(raw) == parse_address(raw.upper()) == raw
    for bounceable in (True, False):
        assert format_address(raw, bounceable=bounceable) == their.to_str(is_bounceable=bounceable)
        for url_safe in (True, False):
            for test in (True, False):
                text = their.to_str(is_url_safe=url_safe, is_bounceable=bounceable, is_test_only=test)
                assert parse_address(text) == raw


GOOD = format_address(RAW, bounceable=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "0: and 64 hex"),
        (RAW[:-1], "0: and 64 hex"),
        (RAW + "0", "0: and 64 hex"),
        (" " + RAW, "0: and 64 hex"),
        (RAW + "\n", "0: and 64 hex"),
        ("00" + RAW[1:], "0: and 64 hex"),
        ("-0" + RAW[1:], "0: and 64 hex"),
        ("+1" + RAW[1:], "0: and 64 hex"),
        ("\u0660" + RAW[1:], "0: and 64 hex"),
        ("128" + RAW[1:], "-128 to 127"),
        ("-129" + RAW[1:], "-128 to 127"),
        (GOOD[:-1], "0: and 64 hex"),
        (GOOD + "A", "0: and 64 hex"),
        (GOOD[:-4] + "+-AA", "0: and 64 hex"),
        (GOOD[:-1] + ("A" if GOOD[-1] != "A" else "B"), "checksum"),
        ("E" + GOOD[1:].swapcase(), "checksum"),
        ("A" * 48, "flags"),
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        parse_address(text)


@given(st.integers(0, 47), st.sampled_from("ABCabc019-_"))
def test_one_wrong_character_is_noticed(place: int, character: str) -> None:
    wrong = GOOD[:place] + character + GOOD[place + 1 :]
    if wrong == GOOD:
        return
    with pytest.raises(InvalidInput):
        parse_address(wrong)
