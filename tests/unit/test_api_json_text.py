"""Reading JSON as text: the grammar, held to Python's own parser, and the bounds."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harvester.api.json_text import MAX_DEPTH, compact, decode_json, split_object
from harvester.domain.errors import InvalidInput

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=16,
)
OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=5)
FRAGMENTS = st.lists(
    st.sampled_from(
        [*'{}[]:,"\\ \n0123456789.-+eEx', '"a"', "true", "false", "null", "NaN", "\\u", "\\n", "\x00", "\ufeff"]
    ),
    max_size=12,
).map("".join)


def reference(text: str) -> list[tuple[str, Any]] | None:
    """The members of an object as Python reads them, by the letter of RFC 8259; None if it is no object."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        pairs = json.loads(text.strip(" \t\r\n"), object_pairs_hook=list, parse_constant=refuse)
    except ValueError:
        return None
    return pairs if text.strip(" \t\r\n").startswith("{") else None


def read(text: str) -> list[tuple[str, Any]] | None:
    """The same by ours."""
    try:
        return [(name, json.loads(value, object_pairs_hook=list)) for name, value in split_object(text)]
    except InvalidInput:
        return None


@given(value=OBJECTS, indent=st.none() | st.integers(0, 3), ascii_only=st.booleans())
def test_every_object_is_split_into_its_members(value: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert read(text) == reference(text)


@given(value=OBJECTS, at=st.integers(0, 80), by=FRAGMENTS, gone=st.integers(0, 3))
@example(value={}, at=2, by="{}", gone=0)
@example(value={"a": [1]}, at=8, by="}", gone=1)
def test_what_python_refuses_is_refused_and_nothing_else(value: dict[str, Any], at: int, by: str, gone: int) -> None:
    text = json.dumps(value)
    damaged = decode_json((text[:at] + by + text[at + gone :]).encode())
    assert read(damaged) == reference(damaged)


@given(FRAGMENTS)
def test_scraps_of_json_are_read_as_python_reads_them(text: str) -> None:
    assert read(text) == reference(text)
    assert read(f'{{"a":{text}}}') == reference(f'{{"a":{text}}}')


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_depth_is_bounded_without_recursion(opening: str) -> None:
    closing = {"[": "]", '{"a":': "}", '[{"a":': "}]"}[opening]
    levels = (MAX_DEPTH - 1) // len(closing)

    def nested(count: int) -> str:
        return f'{{"x":{opening * count}1{closing * count}}}'

    assert len(split_object(nested(levels))) == 1
    with pytest.raises(InvalidInput, match="9500 levels"):
        split_object(nested(levels + 1))


@pytest.mark.parametrize(
    "text",
    [
        '{"a":[' + "1," * 500_000 + "1]}",
        '{"a":"' + "\\n" * 500_000 + '"}',
        '{"a":"' + "\\n" * 500_000,
        '{"a":' + " " * 1_000_000 + "x",
        '{"a":' + "1" * 1_000_000 + "x",
        "{" + '"a":1,' * 170_000 + '"a":1}',
    ],
    ids=["list", "escapes", "open text", "spaces", "digits", "members"],
)
def test_a_mebibyte_of_anything_is_read_in_linear_time(text: str) -> None:
    started = time.process_time()
    with suppress(InvalidInput):
        split_object(decode_json(text.encode()))
    assert time.process_time() - started < 3


@given(OBJECTS)
def test_compact_takes_out_spaces_between_parts_only(value: dict[str, Any]) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    assert compact(text) == json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        (r'"a\u0000b"', '"ab"'),
        (r'"a\\u0000b"', r'"a\\u0000b"'),
        (r'"\\\u0000\\u0000"', r'"\\\\u0000"'),
        (r'"\ud83d\ude00"', r'"\ud83d\ude00"'),
        (r'"\uD83D\uDE00"', r'"\uD83D\uDE00"'),
        (r'"\ud83d"', r'"\ufffd"'),
        (r'"\ude00\ud83d"', r'"\ufffd\ufffd"'),
        (r'"\ud83d\u0000\ude00"', r'"\ufffd\ufffd"'),
        (r'"\u00e9"', r'"\u00e9"'),
    ],
)
def test_what_cannot_be_stored_is_taken_out_of_escapes(given_text: str, kept: str) -> None:
    assert decode_json(given_text.encode()) == kept


@given(st.text(st.characters(codec=None), max_size=30))
def test_every_text_becomes_one_that_utf_8_can_carry(text: str) -> None:
    kept = json.loads(decode_json(json.dumps(text).encode()))
    assert "\0" not in kept
    kept.encode()


def test_bytes_that_are_no_utf_8_are_refused_with_their_place() -> None:
    with pytest.raises(InvalidInput, match="byte 2"):
        decode_json(b"ab\xff")
