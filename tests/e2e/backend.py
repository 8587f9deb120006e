"""A merchant's backend for tests: takes every delivery, checks its signature with foreign code, keeps it."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web
from standardwebhooks import Webhook

from harvester_demo.loopback import serving

WAIT_SECS = 60.0
"""Longer than the lease of a delivery that was under way when its daemon was killed."""


@dataclass(frozen=True)
class Delivery:
    """One request that came in; a repeated attempt is another one with the same `event_id`."""

    event_id: str
    body: dict[str, Any]
    raw: bytes
    headers: dict[str, str]

    @property
    def invoice_id(self) -> str:
        return str(self.body["id"])

    @property
    def status(self) -> str:
        return str(self.body["status"])


Answer = Callable[[Delivery], Awaitable[int]]


async def accept(_delivery: Delivery) -> int:
    """Answer as a backend that is well does."""
    return 204


class Backend:
    """Listens on a free port. `answer` decides on the status of each answer, and may take its time."""

    def __init__(self) -> None:
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self.url = ""
        self.deliveries: list[Delivery] = []
        self.refused: list[str] = []
        self.answer: Answer = accept
        self._arrival = asyncio.Condition()

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        backend = cls()
        app = web.Application()
        app.add_routes([web.post("/hook", backend._take)])
        async with serving(app, shutdown_timeout=0.1) as port:
            backend.url = f"http://127.0.0.1:{port}/hook"
            yield backend

    async def _take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            Webhook(self.secret).verify(raw, headers)
        except Exception as error:  # noqa: BLE001 - whatever it does not like fails the test that looks at `refused`
            self.refused.append(repr(error))
            return web.Response(status=401)
        delivery = Delivery(headers["webhook-id"], json.loads(raw), raw, headers)
        async with self._arrival:
            self.deliveries.append(delivery)
            self._arrival.notify_all()
        return web.Response(status=await self.answer(delivery))

    def of(self, invoice_id: str) -> list[Delivery]:
        """Deliveries of one invoice, in the order in which they came."""
        return [delivery for delivery in self.deliveries if delivery.invoice_id == invoice_id]

    def statuses(self, invoice_id: str) -> list[str]:
        """What an integrator who drops repeats has heard of one invoice."""
        return list({delivery.event_id: delivery.status for delivery in self.of(invoice_id)}.values())

    async def until(self, condition: Callable[[], bool], wait_secs: float = WAIT_SECS) -> None:
        """Return when `condition` holds; it is looked at with every delivery."""
        async with asyncio.timeout(wait_secs), self._arrival:
            await self._arrival.wait_for(condition)

    async def event(self, invoice_id: str, status: str, wait_secs: float = WAIT_SECS) -> Delivery:
        """Return the first delivery that brings the invoice in this state."""

        def found() -> Iterable[Delivery]:
            return (delivery for delivery in self.of(invoice_id) if delivery.status == status)

        await self.until(lambda: any(True for _ in found()), wait_secs)
        return next(iter(found()))
