"""What the loops of an adapter are given: the time, and a way to show that they go round."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Final, Protocol

Clock = Callable[[], datetime]
"""Returns the present moment, aware UTC."""


class Pulse(Protocol):
    """How a loop shows that it goes round. Cheap; never fails."""

    def beat(self) -> None:
        """It has gone round, or got on within a long round, whether it could do its work or not."""
        ...

    def success(self) -> None:
        """It has done its work, and gone round."""
        ...


Watched = Callable[[str], AbstractContextManager[Pulse]]
"""Takes a loop's name, from a small closed set; inside the block the loop beats at least every minute, or it hangs.

A loop whose database or node is away waits for it in bounded steps and beats after each: it does not hang. One that
does keeps the watchdog from being fed, and the service manager restarts the process.
"""


class _Unheard:
    """A pulse that nobody listens to."""

    def beat(self) -> None:
        """See `Pulse`."""

    def success(self) -> None:
        """See `Pulse`."""


UNHEARD: Final[Pulse] = _Unheard()


@contextmanager
def unwatched(_loop: str) -> Iterator[Pulse]:
    """Implement `Watched` for those who need no watching: commands and tests."""
    yield UNHEARD
