"""JSON that is signed: read in one way or refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.domain.errors import InvalidInput
from harvester_tari.strict_json import MAX_BYTES, Members, read_object, write_compact

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def refusal(body: bytes | str) -> str:
    """Return what is said of a body that is refused."""
    with pytest.raises(InvalidInput) as caught:
        read_object(body)
    return str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}x",
        b"{'a': 1}",
        b'{"a": 01}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": +1}',
        b'{"a": "\x00"}',
        b'{"a": "\n"}',
        b'{"a": "\\x41"}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        b'{"a": ' + b"9" * 5_000 + b"}",
        b'{"a": ' + b"[" * 60_000,
        b'{"a":' * 13_000,
    ],
    ids=lambda body: str(body[:20]),
)
def test_what_is_not_json_in_utf8_is_refused(body: bytes) -> None:
    assert refusal(body) == "the body must be JSON, in UTF-8"


@pytest.mark.parametrize("body", [b"[]", b"1", b'"text"', b"null", b"true"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    assert refusal(body) == "the body must be a JSON object"


def test_a_body_without_end_is_refused() -> None:
    assert str(MAX_BYTES) in refusal(b" " * MAX_BYTES + b"{}")
    assert str(MAX_BYTES) in refusal(" " * MAX_BYTES + "{}")
    assert read_object(b" " * (MAX_BYTES - 2) + b"{}") == Members({})


@pytest.mark.parametrize(
    "body", ['{"a": 1, "a": 1}', '{"a": {"b": 1, "b": 2}}', '{"a": 1, "\\u0061": 2}', '{"x": [{"b": 1, "b": 1}]}']
)
def test_a_name_given_twice_is_refused(body: str) -> None:
    assert "twice" in refusal(body)


@pytest.mark.parametrize(
    "value", ["1.0", "1e0", "-0.0", "true", '"1"', "null", "[]", str(1 << 63), str(-(1 << 63) - 1)]
)
def test_a_number_is_whole_and_of_64_bits(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"a\.n must be a whole number of 64 bits"):
        read_object(f'{{"a": {{"n": {value}}}}}').members("a").whole("n")


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_every_number_of_64_bits_is_read(number: int) -> None:
    assert read_object(f'{{"n": {number}}}').whole("n") == number


@pytest.mark.parametrize("half", ["\\ud800", "\\udfff", "a\\udc00", "\\udc00\\ud800", "\\ud83dx"])
def test_half_a_surrogate_pair_is_no_text(half: str) -> None:
    with pytest.raises(InvalidInput, match="surrogate"):
        read_object(f'{{"t": "{half}"}}').text("t")
    with pytest.raises(InvalidInput, match="surrogate"):
        read_object(f'{{"t": "{half}"}}').optional_text("t")
    assert read_object('{"t": "\\ud83d\\udc22"}').text("t") == "🐢"


def test_members_that_are_missing_or_of_another_kind_are_named() -> None:
    members = read_object('{"a": {"t": 1, "o": []}, "n": null}')
    for read, name in (
        (members.text, "n"),
        (members.text, "none"),
        (members.members, "n"),
        (members.members, "none"),
        (members.members("a").text, "t"),
        (members.members("a").optional_text, "t"),
        (members.members("a").members, "o"),
    ):
        with pytest.raises(InvalidInput, match=rf"\b{name} must be"):
            read(name)
    assert members.optional_text("n") is members.optional_text("none") is None


@given(st.binary(max_size=200) | st.text(max_size=200) | values.map(json.dumps))
def test_anything_is_read_or_refused_and_nothing_worse(body: bytes | str) -> None:
    try:
        members = read_object(body)
    except InvalidInput:
        return
    for read in (members.text, members.optional_text, members.whole, members.members):
        for name in members.found:
            try:
                read(name)
            except InvalidInput as error:
                assert name in str(error) or "surrogate" in str(error)  # noqa: PT017 - both outcomes are right


def test_json_is_written_as_serde_json_does() -> None:
    text = '"\\/\b\f\n\r\t\x00\x01\x1f\x7f é🐢\u2028'
    assert write_compact({"b": text, "a": None, "n": -1}) == (
        '{"b":"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u0001\\u001f\x7f é🐢\u2028","a":null,"n":-1}'
    )
