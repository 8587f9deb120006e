"""Reading the JSON that merchants send: strict in grammar, bounded in depth, and without recursion.

What belongs to the merchant (`private_info`) is passed on as text, so that each number keeps its digits. The parsers at
hand cannot do this: they recurse (and give up at 200 to 1,000 levels, where merchants may use 9,000), or take NaN.
"""

import re
from typing import Final

import orjson

from harvester.domain.errors import InvalidInput

MAX_DEPTH: Final = 9_500
"""Levels of arrays and objects. PostgreSQL reads 12,000 with its default stack (2 MB) and refuses 15,000."""

_SPACE: Final = r"[ \t\n\r]*"
_STRING: Final = r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"'
_NUMBER: Final = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"

_OBJECT: Final = re.compile(rf"{_SPACE}\{{{_SPACE}(\}}?)")
_KEY: Final = re.compile(rf"{_SPACE}({_STRING}){_SPACE}:{_SPACE}")
_VALUE: Final = re.compile(rf"{_SPACE}(?:{_STRING}|{_NUMBER}|true|false|null|\{{{_SPACE}\}}|\[{_SPACE}\]|([\[{{]))")
"""A whole value without values in it, or (group 1) the opening of one that has some."""
_SEPARATOR: Final = re.compile(rf"{_SPACE}([,\]}}])")
_END: Final = re.compile(rf"{_SPACE}\Z")
_CLOSING: Final = {"[": "]", "{": "}"}

_ESCAPE: Final = re.compile(
    r"\\(?:(u0000)|(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""An escape sequence: U+0000 (group 1), a pair of surrogates (2), half a pair (3), or any other."""
_SPACE_OR_STRING: Final = re.compile(rf"({_STRING})|[ \t\n\r]+")


def decode_json(body: bytes) -> str:
    """Return the text of a JSON body, without U+0000 (which PostgreSQL cannot store) and with U+FFFD for half a
    surrogate pair.

    Raises:
        InvalidInput: it is not UTF-8.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the body must be UTF-8: byte {error.start} is not") from None
    return _ESCAPE.sub(_storable, text) if "\\u" in text else text


def _storable(escape: re.Match[str]) -> str:
    if escape[1]:
        return ""
    return r"\ufffd" if escape[3] else escape[0]


def split_object(text: str) -> list[tuple[str, str]]:
    """Return the members of the one JSON object that `text` (of `decode_json`) is: name, value as JSON text; in order.

    Raises:
        InvalidInput: it is not an object, not JSON to its last character, or nested deeper than MAX_DEPTH.
    """
    opening = _expect(_OBJECT, text, 0, "a JSON object")
    at = opening.end()
    members = []
    closed = bool(opening[1])
    while not closed:
        key = _expect(_KEY, text, at, "a member name and a colon")
        end = _skip_value(text, key.end())
        members.append((orjson.loads(key[1]), text[key.end() : end]))
        separator = _expect(_SEPARATOR, text, end, "a comma or a closing brace")
        at = separator.end()
        closed = _closes(separator, "{")
    _expect(_END, text, at, "the end of the text")
    return members


def compact(value: str) -> str:
    """Return valid JSON text on one line, without the spaces between its parts."""
    return _SPACE_OR_STRING.sub(r"\1", value)


def _skip_value(text: str, at: int) -> int:
    opened: list[str] = []
    while True:
        value = _expect(_VALUE, text, at, "a JSON value")
        at = value.end()
        if value[1]:
            opened.append(value[1])
            if len(opened) >= MAX_DEPTH:
                raise InvalidInput(f"the body may be nested {MAX_DEPTH} levels deep at most")
        else:
            at = _skip_closings(text, at, opened)
            if not opened:
                return at
        if opened[-1] == "{":
            at = _expect(_KEY, text, at, "a member name and a colon").end()


def _skip_closings(text: str, at: int, opened: list[str]) -> int:
    """Return where the next value or name starts, or where the outermost value has ended: then `opened` is empty."""
    while opened:
        separator = _expect(_SEPARATOR, text, at, "a comma or a closing bracket")
        at = separator.end()
        if not _closes(separator, opened[-1]):
            break
        opened.pop()
    return at


def _closes(separator: re.Match[str], opening: str) -> bool:
    if separator[1] == ",":
        return False
    if separator[1] != _CLOSING[opening]:
        raise InvalidInput(f"the body must be JSON: {_CLOSING[opening]} expected at character {separator.start(1)}")
    return True


def _expect(pattern: re.Pattern[str], text: str, at: int, what: str) -> re.Match[str]:
    found = pattern.match(text, at)
    if not found:
        raise InvalidInput(f"the body must be JSON: {what} expected at character {at}")
    return found
