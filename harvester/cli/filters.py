"""Options of lists: what narrows them down, as the API's query has it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import click

MOMENT: Final = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"])
"""In UTC."""


def as_query(options: Mapping[str, object]) -> dict[str, str]:
    """Return the options that are given as parameters of a query."""
    return {name: _as_parameter(value) for name, value in options.items() if value is not None}


def _as_parameter(value: object) -> str:
    return str(int(value.replace(tzinfo=UTC).timestamp())) if isinstance(value, datetime) else str(value)
