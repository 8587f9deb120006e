"""Limits of requests that everybody has in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harvester.domain.egress import Network

MAX_BODY_BYTES: Final = 1 << 20
BODY_SECS: Final = 30.0
"""For all of a body to arrive."""
REQUEST_SECS: Final = 60.0
"""For all of a request, from its headers to its answer."""
GUESSES_PER_MINUTE: Final = 30
"""Tokens that an address may try in vain."""
KEEPALIVE_SECS: Final = 75.0
"""How long a connection may be idle between requests: longer than reverse proxies keep theirs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator says of them."""

    public_rate: int = 0
    """Requests on public routes per minute and visitor; 0: as many as they like."""
    trusted_proxies: Sequence[Network] = ()
    """Networks whose word about their clients' addresses is believed."""
