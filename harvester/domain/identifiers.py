"""Invoice ids as people, shops and payers write them."""

import re
from typing import Final
from uuid import UUID

from harvester.domain.errors import InvalidInput

_FORMS: Final = re.compile(
    r"(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\{[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}"
    r"|[0-9a-f]{32}",
    re.IGNORECASE | re.ASCII,
)
_URN_LENGTH: Final = len("urn:uuid:")
_LONGEST: Final = _URN_LENGTH + 36
_VERSION_SHIFT: Final = 76
MAX_MERCHANT_ID: Final = 255
"""Characters of the merchant's own numbers and names."""


def merchant_text(text: str, name: str) -> str:
    """Return `text`, the merchant's own number or name of something, which errors call `name`.

    Raises:
        InvalidInput: it is not 1 to MAX_MERCHANT_ID printable characters.
    """
    if not (0 < len(text) <= MAX_MERCHANT_ID and text.isprintable()):
        raise InvalidInput(f"{name} must be 1 to {MAX_MERCHANT_ID} printable characters")
    return text


def parse_uuid(text: str) -> UUID:
    """Return the UUID, of any version, that `text` is: hyphenated, in braces, after `urn:uuid:`, or 32 hex digits.

    Raises:
        InvalidInput: it is none of these, not even with a space more.
    """
    if len(text) > _LONGEST or not _FORMS.fullmatch(text):
        raise InvalidInput("invalid id: a UUID is expected")
    return UUID(text[_URN_LENGTH:] if len(text) == _LONGEST else text)


def parse_invoice_id(text: str) -> UUID:
    """Return the invoice id that `text` is, in any form of `parse_uuid`.

    Raises:
        InvalidInput: it is no UUID of version 7.
    """
    found = parse_uuid(text)
    if found.int >> _VERSION_SHIFT & 0xF != 7:
        raise InvalidInput("invalid id: a UUID of version 7 is expected")
    return found
