"""A merchant's backend in small: takes webhooks, believes only those that are signed, and counts each event once.

Signatures are those of Standard Webhooks 1.0.0: HMAC-SHA256 over `{id}.{timestamp}.{body}`.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from aiohttp import web

from harvester_demo.loopback import serving

PATH: Final = "/webhook"
TOLERANCE_SECS: Final = 300.0
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the prefix that every such secret has


@dataclass(frozen=True, slots=True)
class Webhook:
    """One event, as it came in for the first time."""

    event_id: str
    body: dict[str, Any]
    """The invoice in the state that the event made."""
    headers: dict[str, str]
    """Names in lower case."""
    received_at: float
    """On the clock of `time.monotonic`, seconds."""

    @property
    def status(self) -> str:
        """The invoice's state."""
        return str(self.body["status"])

    def to_json(self) -> dict[str, Any]:
        """Return what `harvester dev --once` prints of it."""
        return {"status": self.status, "body": self.body, "headers": self.headers}


def signature(secret: str, event_id: str, timestamp: str, body: bytes) -> str:
    """Return what the header `webhook-signature` must contain."""
    key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX))
    return (
        "v1," + base64.b64encode(hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256)).decode()
    )


def is_signed(secret: str, headers: dict[str, str], body: bytes, now: float) -> bool:
    """Say whether one of the signatures is right and the timestamp within five minutes of `now` (Unix seconds)."""
    timestamp = headers.get("webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and abs(int(timestamp) - now) <= TOLERANCE_SECS):
        return False
    expected = signature(secret, headers.get("webhook-id", ""), timestamp, body).encode()
    given = headers.get("webhook-signature", "").encode("utf-8", "surrogateescape").split(b" ")
    return any(hmac.compare_digest(expected, each) for each in given)


class WebhookReceiver:
    """Keeps what comes in, and wakes whoever waits for it."""

    def __init__(self, secret: str, on_event: Callable[[Webhook], None]) -> None:
        """`secret` is `whsec_` and base64; `on_event` hears of each event once, as it comes."""
        self._secret = secret
        self._on_event = on_event
        self._events: dict[str, Webhook] = {}
        self._arrival = asyncio.Condition()
        self.url = ""
        """Where it listens; known once it is open."""

    @classmethod
    @asynccontextmanager
    async def open(cls, secret: str, on_event: Callable[[Webhook], None]) -> AsyncIterator[Self]:
        """Yield a receiver that listens on a free port of the loopback interface."""
        receiver = cls(secret, on_event)
        app = web.Application()
        app.add_routes([web.post(PATH, receiver._take)])
        async with serving(app) as port:
            receiver.url = f"http://127.0.0.1:{port}{PATH}"
            yield receiver

    def all(self) -> list[Webhook]:
        """Return all events in the order in which they came."""
        return list(self._events.values())

    async def wait_for(self, invoice_id: str, status: str) -> Webhook:
        """Return the event that brought the invoice into the state; wait for it if need be."""
        async with self._arrival:
            while True:
                for event in self._events.values():
                    if (event.body["id"], event.status) == (invoice_id, status):
                        return event
                await self._arrival.wait()

    async def _take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not is_signed(self._secret, headers, raw, time.time()):
            return web.Response(status=401, text="the signature is missing, wrong or too old")
        event_id = headers["webhook-id"]
        if event_id not in self._events:  # a repeat is answered like the first, and changes nothing
            event = Webhook(event_id, json.loads(raw), headers, time.monotonic())
            async with self._arrival:
                self._events[event_id] = event
                self._arrival.notify_all()
            self._on_event(event)
        return web.Response(status=204)
