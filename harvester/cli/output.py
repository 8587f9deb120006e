"""What commands print: tables for people, JSON for programs; results on standard output."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import click
import orjson
from rich.console import Console
from rich.table import Table

json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def print_json(value: object) -> None:
    """Print `value` as one line of JSON: ids as text."""
    click.echo(orjson.dumps(value, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; cells are never cut: ids must stay whole when there is no room."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(shown(cell) for cell in row))
    for column in table.columns:
        column.overflow = "fold"
    _console().print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values, one a line; None is left out."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        if value is not None:
            table.add_row(name, shown(value))
    _console().print(table)


def shown(value: object) -> str:
    """Return what a person reads: times without microseconds, nothing for None, and nothing that steers a terminal."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}Z"
    return "" if value is None else _harmless(str(value))


def _harmless(text: str) -> str:
    # Payers, buyers and endpoints write some of it: what is no character to look at is shown as an escape.
    return text if text.isprintable() else "".join(map(_seen, text))


def _seen(character: str) -> str:
    visible = character.isprintable() or character == "\n" or unicodedata.category(character) == "Zs"
    return character if visible else character.encode("unicode_escape").decode()


def _console() -> Console:
    # Rows for `grep` and `awk` stay on one line when nobody reads them on a terminal.
    console = Console(markup=False, highlight=False, emoji=False)
    return console if console.is_terminal else Console(markup=False, highlight=False, emoji=False, width=1000)
