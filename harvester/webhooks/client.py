"""Sends one webhook and says what came of it, whatever the endpoint does."""

import errno
import os
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.connector import SocketFactoryType

from harvester.chain import Clock
from harvester.domain.egress import EgressRules
from harvester.domain.webhooks import Message, Target
from harvester.webhooks.egress import REFUSED, AddressRefused, guarded_sockets
from harvester.webhooks.names import Names
from harvester.webhooks.schedule import GONE, OVERLOADED, retry_delay
from harvester.webhooks.signing import Secret, signed_headers

DEFAULT_TIMEOUT_SECS: Final = 20.0
_HEAD_BYTES: Final = 1024
_KEEPALIVE_SECS: Final = 4.0
"""Below the 5 s after which common servers close an idle connection: a POST into a closing one would be lost."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt."""

    attempted_at: datetime
    duration_ms: int
    status_code: int | None = None
    """None if there was no answer."""
    error: str | None = None
    """Why there was no answer; a text of ours, free of secrets."""
    head: str | None = None
    """Beginning of the answer's body, as far as it is text."""
    retry_after_secs: float | None = None
    """What a failing endpoint asked for, not negative."""
    timed_out: bool = False

    @property
    def delivered(self) -> bool:
        """Whether the endpoint took it."""
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def gone(self) -> bool:
        """Whether the endpoint wants no more deliveries at all."""
        return self.status_code == GONE

    @property
    def overloaded(self) -> bool:
        """Whether the endpoint should be sent less."""
        return self.status_code is None or self.status_code in OVERLOADED

    @property
    def result(self) -> str:
        """One of `harvester.metrics.ATTEMPT_RESULTS`."""
        if self.status_code is None:
            return "timeout" if self.timed_out else "failed"
        return "delivered" if self.delivered else "refused"

    def retry_delay(self, attempt: int, randomness: float) -> float | None:
        """Return how many seconds after this failure of the `attempt` (from 1) to try again; None: never."""
        return retry_delay(attempt, self.status_code, self.retry_after_secs, randomness)


class WebhookClient:
    """Posts bodies, signed if the endpoint has secrets, over connections that are kept.

    Endpoints that are not local share no connection with those that are: theirs are made to allowed addresses only.
    """

    def __init__(
        self,
        guarded: aiohttp.ClientSession,
        local: aiohttp.ClientSession,
        rules: EgressRules,
        secrets: Mapping[str, Sequence[Secret]],
        clock: Clock,
    ) -> None:
        self._guarded = guarded
        self._local = local
        self._rules = rules
        self._secrets = secrets
        self._clock = clock

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        secrets: Mapping[str, Sequence[Secret]],
        clock: Clock,
        version: str,
        timeout_secs: float = DEFAULT_TIMEOUT_SECS,
        rules: EgressRules | None = None,
    ) -> AsyncIterator[Self]:
        """Yield a client; `secrets` are by endpoint name, beside a target's own; `timeout_secs` bounds an attempt."""
        rules, names = rules or EgressRules(), Names()
        try:
            async with (
                _session(version, timeout_secs, names, guarded_sockets(rules)) as guarded,
                _session(version, timeout_secs, names, None) as local,
            ):
                yield cls(guarded, local, rules, secrets, clock)
        finally:
            await names.close()

    async def send(self, target: Target, message: Message) -> Answer:
        """Make one attempt to post `message` to `target`.

        Nothing that the endpoint does raises. Redirects are not followed: they are answers that are not 2xx.
        """
        attempted_at, started = self._clock(), time.monotonic()
        headers = self._headers(target, message, attempted_at)
        session = self._local if target.local else self._guarded
        if not target.local and not self._rules.allows_scheme(urlsplit(target.url).scheme):
            return Answer(attempted_at, 0, error="plain http is refused (WEBHOOK_ALLOW_HTTP)")
        try:
            async with session.post(target.url, data=message.body, headers=headers, allow_redirects=False) as response:
                head = await _read_head(response)
                return Answer(
                    attempted_at,
                    _elapsed_ms(started),
                    response.status,
                    head=head,
                    retry_after_secs=_retry_after(response.headers.get("Retry-After"), attempted_at),
                )
        # A timeout is an OSError; a host name that cannot be encoded is a ValueError.
        except (aiohttp.ClientError, OSError, ValueError) as error:
            timed_out = isinstance(error, TimeoutError)
            return Answer(attempted_at, _elapsed_ms(started), error=_describe(error), timed_out=timed_out)

    def _headers(self, target: Target, message: Message, attempted_at: datetime) -> dict[str, str]:
        secrets = [*self._secrets.get(target.name, ()), *map(Secret, target.secrets)]
        headers = signed_headers(secrets, message.event_id, attempted_at, message.body)
        headers["harvester-event"] = message.event_type
        if message.sequence is not None:
            headers["harvester-sequence"] = str(message.sequence)
        return headers


def _session(
    version: str, timeout_secs: float, names: Names, sockets: SocketFactoryType | None
) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        # Who sends bounds how much is in flight.
        connector=aiohttp.TCPConnector(
            limit=0, keepalive_timeout=_KEEPALIVE_SECS, resolver=names, socket_factory=sockets
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeout_secs),
        auto_decompress=False,
        headers={
            "Content-Type": "application/json; charset=UTF-8",
            "User-Agent": f"harvester/{version}",
            "Accept-Encoding": "identity",
        },
    )


async def _read_head(response: aiohttp.ClientResponse) -> str:
    """Return the first bytes of the body as text. Its status is known: a body that breaks off changes nothing."""
    head = b""
    try:
        while len(head) < _HEAD_BYTES and (piece := await response.content.read(_HEAD_BYTES - len(head))):
            head += piece
    except (aiohttp.ClientError, OSError):
        response.close()
    return head.decode("utf-8", "replace").replace("\0", "")


def _retry_after(text: str | None, now: datetime) -> float | None:
    """Read the header Retry-After (RFC 9110, 10.2.3): seconds, or a date; None if it is neither."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def _describe(error: BaseException) -> str:
    """Say what failed without quoting the error: its text may hold the URL, and that may hold secrets."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name does not resolve"
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "TLS failed: the certificate or the protocol is not accepted"
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, AddressRefused):
            return REFUSED
        return f"no connection: {os.strerror(error.os_error.errno or errno.ECONNREFUSED)}"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError | OSError):
        return "the connection was closed before an answer"
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return "the URL cannot be used"
    return f"no valid HTTP answer ({type(error).__name__})"


def _elapsed_ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
