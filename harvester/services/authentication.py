"""Who has sent a request: tokens are looked up once in a while, and remembered meanwhile."""

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


@dataclass(slots=True)
class Authentication:
    """Tells whose a token is. Remembers `MAX_REMEMBERED` tokens, each for `TRUSTED_SECS`, and when they were used."""

    database: Database
    signals: Signals
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    _remembered: dict[str, tuple[Token, float]] = field(default_factory=dict)
    """By id: the token, and until when it is trusted."""
    _forgotten: int = 0
    """How often all was forgotten: what was asked for before is not remembered afterwards."""
    _uses: dict[str, datetime] = field(default_factory=dict)

    async def caller(self, text: str) -> Caller | None:
        """Return whose token this is; None if it is good for nothing.

        Raises:
            Unavailable: the database had to be asked, and does not answer.
        """
        name, now = token_id(text), self.clock()
        if name is None:
            return None
        token, until = self._remembered.get(name, (None, 0.0))
        if token is None or until <= self.monotonic() or not token.admits(text, now):
            token = await self._look_up(name)
        if token is None or not token.admits(text, now):
            return None
        self._uses[name] = now
        return Caller(name, token.name, token.scopes)

    def remembers(self, text: str) -> bool:
        """Return whether this was somebody's token when the database was last asked."""
        token, _ = self._remembered.get(token_id(text) or "", (None, 0.0))
        return token is not None and token.admits(text, self.clock())

    async def heed_hints(self) -> NoReturn:
        """Forget all tokens whenever one has changed, until cancelled."""
        with self.signals.listening("tokens") as hint:
            while True:
                await hint.wait(_HINTS_SECS)
                self._forgotten += 1
                self._remembered.clear()

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
        forgotten, until = self._forgotten, self.monotonic() + TRUSTED_SECS
        async with self.database.connection() as connection:
            token = await tokens.get(connection, name)
        self._remembered.pop(name, None)
        if token is not None and forgotten == self._forgotten:
            self._remembered[name] = token, until
            if len(self._remembered) > MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
        return token
