"""Who may do what over the private API.

| scope   | what it lets a token do                                                              |
|---------|--------------------------------------------------------------------------------------|
| read    | GET: invoices, orders, payments, credit, wallets, events, endpoints, deliveries,     |
|         | rates; changes nothing                                                               |
| write   | create and cancel invoices, cancel orders                                            |
| operate | all else that changes something: endpoints, deliveries, acts on payments, orders,    |
|         | credit, wallets, rates; and all about tokens, listing them included                  |

No scope implies another. Each route names the one it needs where it is registered: `guard(Scope.WRITE, handler)`.
Nobody can grant a scope that they do not have, neither by making a token nor by getting a new secret for one.

A token is `hvt_`, 12 characters that name it, `_`, and 43 that are secret: random letters and digits, 256 bits. So one
round of SHA-256 keeps it as safe as a slow hash would keep a password: there is nothing to guess from.
"""

import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from harvester.domain.errors import Forbidden

ID_CHARACTERS: Final = 12
SECRET_CHARACTERS: Final = 43
"""Of 62 kinds: the fewest that have 256 bits."""
_TOKEN: Final = re.compile(rf"hvt_([0-9A-Za-z]{{{ID_CHARACTERS}}})_[0-9A-Za-z]{{{SECRET_CHARACTERS}}}")


class Scope(StrEnum):
    """What a token may be good for."""

    READ = "read"
    WRITE = "write"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who has sent a request."""

    token_id: str
    """Empty for the environment's token, which has no other."""
    name: str | None
    """The token's; None for the environment's."""
    scopes: Collection[Scope]

    @property
    def channel(self) -> str:
        """What the acts of this caller are recorded under: `api`, or `api:` and the token's name."""
        return "api" if self.name is None else f"api:{self.name}"

    def must_have(self, scope: Scope) -> None:
        """Raise Forbidden if the caller has not this scope."""
        if scope not in self.scopes:
            raise Forbidden(f"the token has not the scope '{scope}', which this needs")


ENVIRONMENT: Final = Caller("", None, frozenset(Scope))
"""Whoever has the environment's token."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept: nobody could use it who reads this."""

    id: str
    name: str
    scopes: Collection[Scope]
    hash: bytes = field(repr=False)
    old_hash: bytes | None = field(repr=False)
    """Of the secret before the present one, which is good for some time yet."""
    old_until: datetime | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """Not exact to the minute."""

    def admits(self, text: str, now: datetime) -> bool:
        """Return whether this text of a token is good at `now`. How long that takes says nothing about the secret."""
        given, old = token_hash(text), self.old_hash if self.old_until and self.old_until > now else None
        matches = hmac.compare_digest(given, self.hash) | hmac.compare_digest(given, old or b"")
        return matches and (self.expires_at is None or self.expires_at > now)


def token_text(token_id: str, secret: str) -> str:
    """Return what the holder of a token sends."""
    return f"hvt_{token_id}_{secret}"


def token_id(text: str) -> str | None:
    """Return the id in the text of a token, or None if it has not the form of one."""
    found = _TOKEN.fullmatch(text)
    return found[1] if found else None


def token_hash(text: str) -> bytes:
    """Return what is kept of the text of a token: its SHA-256."""
    return hashlib.sha256(text.encode()).digest()
