"""CSV as RFC 4180 has it, for spreadsheets too: no cell of a stranger's making becomes a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take for the beginning of a formula, or skip before one; the last four are full-width forms."""


def csv_bytes(rows: Iterable[Sequence[object]]) -> bytes:
    """Return `rows` as lines that end with CR LF, in UTF-8. Every cell is quoted, so that no separator splits one.

    None is an empty cell, a time ISO 8601 in UTC. What would be taken for a formula gets an apostrophe before it.
    """
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows([list(map(_cell, row)) for row in rows])
    return text.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, Decimal):
        return format(value, "f")
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
