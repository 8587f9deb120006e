"""Signatures of webhooks as Standard Webhooks 1.0.0 defines them: HMAC-SHA256 over id, time and body."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from harvester.domain.errors import InvalidInput

_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = range(24, 65)


class Secret:
    """The key that one endpoint shares with us. Neither `repr` nor an error shows it."""

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        """Read `whsec_<base64 of 24 to 64 bytes>`.

        Raises:
            InvalidInput: it is anything else.
        """
        key = _decode(text)
        if key is None or len(key) not in _KEY_BYTES:
            raise InvalidInput(f"a webhook secret is {_PREFIX} and {_KEY_BYTES[0]} to {_KEY_BYTES[-1]} bytes in base64")
        self._key: Final = key

    def __repr__(self) -> str:
        return "Secret(…)"

    def sign(self, message: bytes) -> str:
        """Return the signature of `message` as the header writes it: `v1,<base64>`."""
        return "v1," + base64.b64encode(hmac.digest(self._key, message, hashlib.sha256)).decode()


def signed_headers(secrets: Iterable[Secret], event_id: UUID, attempted_at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers of one attempt to send `body`; with several secrets, as in a rotation, each signs.

    Without a secret there is no signature; the id still tells a receiver what it has already seen.
    """
    timestamp = int(attempted_at.timestamp())
    headers = {"webhook-id": str(event_id), "webhook-timestamp": str(timestamp)}
    signed = f"{event_id}.{timestamp}.".encode() + body
    signatures = [secret.sign(signed) for secret in secrets]
    if signatures:
        headers["webhook-signature"] = " ".join(signatures)
    return headers


def _decode(text: str) -> bytes | None:
    if not text.startswith(_PREFIX):
        return None
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
