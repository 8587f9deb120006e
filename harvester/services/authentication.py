"""Who has sent a request: tokens are looked up once in a while, and remembered meanwhile."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NoReturn

from harvester.chain import Clock
from harvester.domain.access import Caller, Token, token_id
from harvester.storage import tokens
from harvester.storage.database import Database
from harvester.storage.signals import Signals

TRUSTED_SECS: Final = 10.0
"""How long a token may be good after it was revoked, if the hint is lost."""
MAX_REMEMBERED: Final = 1024
_HINTS_SECS: Final = 3600.0
_NEVER: Final = -math.inf


@dataclass(slots=True)
class Authentication:
    """Tells whose a token is. Remembers `MAX_REMEMBERED` tokens, each for `TRUSTED_SECS`, and when they were used."""

    database: Database
    signals: Signals
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    _remembered: dict[str, tuple[Token, float]] = field(default_factory=dict)
    """By id: the token, and until when it is trusted."""
    _hints: int = 0
    """How many there were: what was asked for before one is not trusted afterwards."""
    _uses: dict[str, datetime] = field(default_factory=dict)

    async def caller(self, text: str) -> Caller | None:
        """Return whose token this is; None if it is good for nothing.

        Raises:
            Unavailable: the database had to be asked, and does not answer.
        """
        name, now = token_id(text), self.clock()
        if name is None:
            return None
        token, until = self._remembered.get(name, (None, _NEVER))
        if token is None or until <= self.monotonic() or not token.admits(text, now):
            token = await self._look_up(name)
        if token is None or not token.admits(text, now):
            return None
        self._uses[name] = now
        return Caller(name, token.name, token.scopes)

    def remembers(self, text: str) -> bool:
        """Return whether this was somebody's token when the database was last asked."""
        token, _ = self._remembered.get(token_id(text) or "", (None, _NEVER))
        return token is not None and token.admits(text, self.clock())

    async def heed_hints(self) -> NoReturn:
        """Trust no token that is remembered, whenever one has changed, until cancelled."""
        with self.signals.listening("tokens") as hint:
            while True:
                await hint.wait(_HINTS_SECS)
                self._hints += 1
                self._remembered = {name: (token, _NEVER) for name, (token, _) in self._remembered.items()}

    async def write_uses(self) -> None:
        """Store when tokens were used. Call it about once a minute.

        Raises:
            Unavailable: nothing was stored; it is kept for the next time.
        """
        if not self._uses:
            return
        uses = dict(self._uses)
        async with self.database.connection() as connection:
            await tokens.note_uses(connection, uses)
        self._uses = {name: at for name, at in self._uses.items() if uses.get(name) != at}

    async def _look_up(self, name: str) -> Token | None:
        hints, until = self._hints, self.monotonic() + TRUSTED_SECS
        async with self.database.connection() as connection:
            token = await tokens.get(connection, name)
        self._remembered.pop(name, None)
        if token is not None:
            self._remembered[name] = token, until if hints == self._hints else _NEVER
            if len(self._remembered) > MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
        return token
