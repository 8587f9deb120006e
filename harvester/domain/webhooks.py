"""A webhook before it is sent: where to, and what."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

HOOK_SCHEME: Final = "hook"
"""Of the `url` of an endpoint that is a hook in this program: `hook:NAME`."""


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint as the sender needs it. Its `repr` holds no secret."""

    name: str
    url: str = field(repr=False)
    """May hold secrets."""
    local: bool = False
    """The operator's own word: may be plain http and at a private address."""
    secrets: Sequence[str] = field(default=(), repr=False)
    """Each signs: the endpoint's own, and during a rotation the one before it. `whsec_…`"""


@dataclass(frozen=True, slots=True)
class Message:
    """What is told. The same in every attempt."""

    event_id: UUID
    """The receiver's idempotency key."""
    event_type: str
    sequence: int | None
    """Number of the event among its invoice's; None if it is not about an invoice."""
    body: bytes = field(repr=False)
