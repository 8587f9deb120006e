"""Lengths of time as people write them."""

import re
from typing import Final

import click

_UNIT_SECS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"(0|[1-9][0-9]{0,8})([smhd])")


def read_duration(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    """Return seconds, for an option such as `--valid 2h`; None if it is not given."""
    if text is None:
        return None
    found = _DURATION.fullmatch(text)
    if not found:
        raise click.BadParameter("must be a number and s, m, h or d, such as 2h")
    return int(found[1]) * _UNIT_SECS[found[2]]
