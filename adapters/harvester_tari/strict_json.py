"""Reading the JSON that wallets and payers sign: strict where what is signed could be read in two ways.

A name given twice, half a surrogate pair, a fraction or a number beyond 64 bits has no one form that could have been
signed. Names that are not known are skipped, as wallets may send some.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from harvester.domain.errors import InvalidInput

MAX_BYTES: Final = 1 << 16
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_INT64: Final = range(-(1 << 63), 1 << 63)


@dataclass(frozen=True, slots=True)
class Members:
    """A JSON object whose members are read one by one. Each method raises InvalidInput, which names the member."""

    found: Mapping[str, Any]
    where: str = ""
    """Prefix of the members' names, in errors."""

    def text(self, name: str) -> str:
        """Return a member that must be there and be text."""
        value = self.found.get(name)
        if not isinstance(value, str):
            raise InvalidInput(f"{self.where}{name} must be text")
        return check_unicode(value)

    def optional_text(self, name: str) -> str | None:
        """Return a member that may be missing or null, or else must be text."""
        return None if self.found.get(name) is None else self.text(name)

    def whole(self, name: str) -> int:
        """Return a member that must be there and be a whole number of 64 bits with a sign."""
        value = self.found.get(name)
        if type(value) is not int or value not in _INT64:
            raise InvalidInput(f"{self.where}{name} must be a whole number of 64 bits")
        return value

    def members(self, name: str) -> "Members":
        """Return a member that must be there and be an object."""
        value = self.found.get(name)
        if not isinstance(value, dict):
            raise InvalidInput(f"{self.where}{name} must be an object")
        return Members(value, f"{self.where}{name}.")


def read_object(data: bytes | str) -> Members:
    """Return the one JSON object that `data` (UTF-8, or text) is, at most MAX_BYTES long.

    Raises:
        InvalidInput: it is none, too long, too deep, or has a name twice in one object.
    """
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"the body may have {MAX_BYTES} bytes at most")
    try:
        text = data.decode() if isinstance(data, bytes) else data
        value = json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse)
    except (ValueError, RecursionError):  # also not UTF-8, a number of thousands of digits, or nesting without end
        raise InvalidInput("the body must be JSON, in UTF-8") from None
    if not isinstance(value, dict):
        raise InvalidInput("the body must be a JSON object")
    return Members(value)


def check_unicode(text: str) -> str:
    """Return `text` if it can be written in UTF-8.

    Raises:
        InvalidInput: half of a surrogate pair is in it.
    """
    if _SURROGATE.search(text):
        raise InvalidInput("text must be Unicode: half of a surrogate pair is none")
    return text


def write_compact(value: Mapping[str, object]) -> str:
    """Return JSON as serde_json writes it, which is what is signed: no blanks; only controls, " and \\ are escaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise InvalidInput("the body has a name twice in one object")
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
