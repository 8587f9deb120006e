"""Where a setting comes from, for the core and for every adapter.

A setting NAME is looked for in three places, and the first that has it wins:

1. the environment,
2. the file `.env` in the working directory,
3. systemd credentials (`$CREDENTIALS_DIRECTORY/NAME`, or the same in lower case).

In each place HARVESTER_NAME wins over NAME; the prefix is for hosts where a short name already means something else.
In the first two places, NAME_FILE may name a file that holds the value. An empty variable counts as not set, so that
a compose file can pass one on; an empty file is a mistake. Names are case-sensitive.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from dotenv import dotenv_values

from harvester.domain.errors import ConfigurationError

PREFIX: Final = "HARVESTER_"
MAX_FILE_BYTES: Final = 1 << 20
_FURTHER_NAMES: Final = {
    "TOKEN": ("HARVESTER_API_TOKEN",),
    # As users of the payment server that this program replaces have them set.
    "UNCLAIMED_ORDER_HOURS": ("TPG_UNCLAIMED_ORDER_TIMEOUT",),
    "UNPAID_ORDER_HOURS": ("TPG_UNPAID_ORDER_TIMEOUT",),
    "STRICT_ORDER_IDS": ("TPG_STRICT_MODE",),
}


@dataclass(frozen=True, slots=True)
class Given:
    """A setting that is set."""

    name: str
    """The variable that was used, such as HARVESTER_PORT or TOKEN_FILE."""
    value: str = field(repr=False)


class Variables:
    """All places where a setting may be. Read once; files and credentials when they are asked for."""

    def __init__(
        self, environ: Mapping[str, str], dotenv: Mapping[str, str] | None = None, credentials: Path | None = None
    ) -> None:
        self._places = (environ, dotenv or {})
        self._credentials = credentials

    @classmethod
    def of_process(cls) -> Self:
        """Return those of this process and its working directory.

        Raises:
            ConfigurationError: there is an `.env` that cannot be read.
        """
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")
        return cls(os.environ, _read_dotenv(Path(".env")), Path(credentials) if credentials else None)

    def plain(self, name: str) -> str | None:
        """Return a variable of the environment that is not a setting, such as STATE_DIRECTORY."""
        return self._places[0].get(name) or None

    def find(self, name: str) -> Given | None:
        """Return the setting `name` (without prefix), or None if it is nowhere.

        Raises:
            ConfigurationError: it is given twice in one place, or by a file that cannot be used.
        """
        for place in self._places:
            for candidate in _names(name):
                if given := _look_up(place, candidate):
                    return given
        return self._find_credential(name)

    def collect(self, names: Iterable[str]) -> tuple[dict[str, Given], dict[str, ConfigurationError]]:
        """Return those of `names` that are set, and the mistakes made with others, by name."""
        found: dict[str, Given] = {}
        mistakes: dict[str, ConfigurationError] = {}
        for name in sorted(names):
            try:
                if given := self.find(name):
                    found[name] = given
            except ConfigurationError as mistake:
                mistakes[name] = mistake
        return found, mistakes

    def _find_credential(self, name: str) -> Given | None:
        if self._credentials is None:
            return None
        for candidate in _names(name):
            for path in (self._credentials / candidate, self._credentials / candidate.lower()):
                if path.is_file():
                    return Given(candidate, _read(path, f"{candidate} (credential)"))
        return None


def _names(name: str) -> Iterator[str]:
    yield PREFIX + name
    yield from _FURTHER_NAMES.get(name, ())
    yield name


def _look_up(place: Mapping[str, str], name: str) -> Given | None:
    value, file_path = place.get(name), place.get(f"{name}_FILE")
    if value and file_path:
        raise ConfigurationError(f"{name}: give {name} or {name}_FILE, not both")
    if file_path:
        return Given(f"{name}_FILE", _read(Path(file_path), f"{name}_FILE"))
    return Given(name, value) if value else None


def _read(path: Path, name: str) -> str:
    """Return the text of a file without line ends behind it. Messages keep the path back: it may be a stray secret."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
        value = raw.decode().rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigurationError(f"{name}: must name a readable text file ({reason})") from None
    if not value or len(raw) > MAX_FILE_BYTES:
        raise ConfigurationError(f"{name}: must name a file of 1 to {MAX_FILE_BYTES} bytes")
    return value


def _read_dotenv(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        return {name: value for name, value in dotenv_values(path).items() if value is not None}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigurationError(f".env: must be a readable text file ({reason})") from None
