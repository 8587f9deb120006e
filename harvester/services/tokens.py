"""Tokens of the API as the operator manages them."""

import re
import secrets
import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from harvester.chain import Clock
from harvester.domain.access import ID_CHARACTERS, SECRET_CHARACTERS, Caller, Scope, Token, token_hash, token_text
from harvester.domain.errors import InvalidInput, NotFound
from harvester.services.idempotency import Once, kept
from harvester.storage import tokens
from harvester.storage.database import Database

MAX_TOKENS: Final = 1000
DEFAULT_OVERLAP_SECS: Final = 24 * 3600
MAX_OVERLAP_SECS: Final = 30 * 24 * 3600
MAX_LIFE_SECS: Final = 10 * 365 * 24 * 3600
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CHARACTERS: Final = string.digits + string.ascii_letters

NewToken = tuple[Token, str]
"""A token, and its text, which is shown now and never again."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Lists, makes, rotates and revokes tokens. All methods may raise Unavailable.

    A token is named by its name or its id; one that is not there, or was revoked, is NotFound.
    """

    database: Database
    clock: Clock

    async def list(self) -> Sequence[Token]:
        """Return all that have not been revoked, by name; those that have expired, too."""
        async with self.database.connection() as connection:
            return await tokens.all_tokens(connection)

    async def create(
        self,
        name: str,
        scopes: Collection[Scope],
        life_secs: int | None,
        by: Caller,
        once: Once[NewToken] | None = None,
    ) -> NewToken:
        """Make a token that is good for `scopes`, for `life_secs` (1 … MAX_LIFE_SECS) or until it is revoked.

        Raises:
            InvalidInput: name, scopes or life are not allowed, the name is taken, or there are too many.
            Forbidden: `by` has not all of these scopes.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput("name must be 1 to 64 letters, digits, dots, dashes and underscores")
        if not scopes:
            raise InvalidInput(f"scopes must be one or more of {', '.join(Scope)}")
        _may_grant(by, scopes)
        now = self.clock()
        token_id = _random(ID_CHARACTERS)
        text = token_text(token_id, _random(SECRET_CHARACTERS))
        new = Token(token_id, name, scopes, token_hash(text), None, None, now, _end(now, life_secs), None)
        async with self.database.transaction() as connection:
            made = await tokens.insert(connection, new, MAX_TOKENS)
            if made is None:
                taken = await tokens.find(connection, name)
                raise InvalidInput(
                    f"there is a token named {name!r}" if taken else f"there are {MAX_TOKENS} tokens already"
                )
            return await kept(once, connection, (made, text), now)

    async def rotate(
        self,
        name_or_id: str,
        overlap_secs: int,
        life_secs: int | None,
        by: Caller,
        once: Once[NewToken] | None = None,
    ) -> NewToken:
        """Give a token a new secret; the old one is good, too, for `overlap_secs` (0 … MAX_OVERLAP_SECS).

        `life_secs`: how long it is good from now on; None leaves the end as it is.

        Raises:
            InvalidInput: a time is out of range.
            Forbidden: `by` has not all scopes of the token.
        """
        if not 0 <= overlap_secs <= MAX_OVERLAP_SECS:
            raise InvalidInput(f"overlap must be 0 to {MAX_OVERLAP_SECS} seconds")
        now = self.clock()
        async with self.database.transaction() as connection:
            token = _there(await tokens.find(connection, name_or_id), name_or_id)
            _may_grant(by, token.scopes)
            text = token_text(token.id, _random(SECRET_CHARACTERS))
            until = now + timedelta(seconds=overlap_secs)
            rotated = await tokens.rotate(connection, token.id, token_hash(text), until, now, _end(now, life_secs))
            return await kept(once, connection, (_there(rotated, name_or_id), text), now)

    async def revoke(self, name_or_id: str, once: Once[Token] | None = None) -> Token:
        """Let a token be good for nothing any more, in all processes within a moment, and return it."""
        now = self.clock()
        async with self.database.transaction() as connection:
            token = _there(await tokens.find(connection, name_or_id), name_or_id)
            await tokens.revoke(connection, token.id, now)
            return await kept(once, connection, token, now)


def _may_grant(by: Caller, scopes: Collection[Scope]) -> None:
    for scope in scopes:
        by.must_have(scope)


def _end(now: datetime, life_secs: int | None) -> datetime | None:
    if life_secs is None:
        return None
    if not 1 <= life_secs <= MAX_LIFE_SECS:
        raise InvalidInput(f"expires_in must be 1 to {MAX_LIFE_SECS} seconds")
    return now + timedelta(seconds=life_secs)


def _there(found: Token | None, name_or_id: str) -> Token:
    if found is None:
        raise NotFound(f"there is no token {name_or_id!r}")
    return found


def _random(characters: int) -> str:
    return "".join(secrets.choice(_CHARACTERS) for _ in range(characters))
