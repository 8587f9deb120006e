"""CSV that any reader reads back as it was, and that no spreadsheet runs."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.services.csv_text import csv_bytes

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def read(raw: bytes) -> list[list[str]]:
    """What another program's reader makes of it."""
    return list(csv.reader(io.StringIO(raw.decode(), newline=""), strict=True))


@given(st.lists(st.lists(TEXTS, min_size=1), min_size=1))
def test_every_text_comes_back_but_for_the_apostrophe(rows: list[list[str]]) -> None:
    found = read(csv_bytes(rows))
    assert [[cell.removeprefix("'") for cell in row] for row in found] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]


@given(st.lists(TEXTS, min_size=1))
def test_no_cell_begins_as_a_formula_does(row: list[str]) -> None:
    [found] = read(csv_bytes([row]))
    assert not any(cell.startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")) for cell in found)


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("http://x")', "+1", "-1:ab", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]
)
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert read(csv_bytes([[text]])) == [[f"'{text}"]]


def test_every_cell_is_quoted_and_lines_end_as_rfc_4180_says() -> None:
    assert csv_bytes([["a", 'b"c', "d\r\ne;=1"], [1, None, ""]]) == b'"a","b""c","d\r\ne;=1"\r\n"1","",""\r\n'
    assert csv_bytes([]) == b""


def test_times_are_utc_and_numbers_have_no_exponent() -> None:
    moment = datetime(2026, 1, 1, 1, 2, 3, 999, tzinfo=timezone(timedelta(hours=2)))
    row = [moment, datetime(1970, 1, 1, tzinfo=UTC), Decimal("1E-7"), Decimal("1E+3")]
    assert read(csv_bytes([row])) == [["2025-12-31T23:02:03Z", "1970-01-01T00:00:00Z", "0.0000001", "1000"]]
