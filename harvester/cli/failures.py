"""How a command fails: one line for each thing that is wrong, on standard error, and a status that says which kind."""

import os
import sys
from collections.abc import Iterator
from typing import Final

import click

from harvester.domain.errors import ConfigurationError, HarvesterError, InvariantBroken

FAILED: Final = 1
USAGE: Final = 2
SOFTWARE: Final = 70
"""EX_SOFTWARE: a task of the daemon has died."""
CONFIG: Final = 78
"""EX_CONFIG: starting again does not help before a setting, or the database's version, has changed."""
INTERRUPTED: Final = 130


def report(error: Exception) -> int:
    """Tell a person what went wrong and return the exit status; a defect of the program is raised again."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return USAGE
    if isinstance(error, click.ClickException):
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "harvester"
        _say(f"{command}: {' '.join(error.format_message().split())}")
        return error.exit_code
    if isinstance(error, click.Abort):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return _reader_has_gone()
    found = list(leaves(error))
    if not all(isinstance(leaf, HarvesterError) and not isinstance(leaf, InvariantBroken) for leaf in found):
        raise error
    for line in dict.fromkeys(str(leaf) for leaf in found):
        _say(line)
    return CONFIG if any(isinstance(leaf, ConfigurationError) for leaf in found) else FAILED


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield `error`, or the errors in it if it is a group, however nested."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def _say(line: str) -> None:
    click.echo(line, err=True)


def _reader_has_gone() -> int:
    # As `| head` leaves it; without this, the interpreter complains when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
