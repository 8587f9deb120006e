"""Whether the process lives, and whether it can do its work. Free of secrets: anybody may ask."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import orjson
from aiohttp import web

from harvester.api.answers import json_answer
from harvester.chain import Health
from harvester.domain.events import unix_seconds
from harvester.services.chains import Chains

_TIMEOUT_SECS: Final = 1.0


class Readiness(Protocol):
    """What the process needs besides its chains: the database, at the version this program was made for."""

    async def __call__(self) -> Sequence[str]:
        """Return sentences, without secrets, that say why the process is not ready; none if it is. May be cancelled."""
        ...


Remarks = Callable[[], Sequence[str]]
"""Returns sentences, without secrets, about what is not well and keeps nothing from working."""


def nothing_to_remark() -> Sequence[str]:
    """Return no remarks."""
    return []


class HealthRoutes:
    """`/livez` and `/readyz`."""

    def __init__(self, readiness: Readiness, chains: Chains, remarks: Remarks = nothing_to_remark) -> None:
        self._readiness = readiness
        self._chains = chains
        self._remarks = remarks

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes."""
        return [web.get("/livez", self.livez), web.get("/readyz", self.readyz)]

    async def livez(self, _request: web.Request) -> web.StreamResponse:
        """Say that the event loop runs."""
        return json_answer(b'{"alive":true}')

    async def readyz(self, _request: web.Request) -> web.StreamResponse:
        """Say whether all that the work needs is there, and if not, what is wrong."""
        chains = self._chains.health()
        reasons = [*await self._ask(), *_reasons(chains)]
        ready = not reasons
        body = {
            "ready": ready,
            "reasons": reasons,
            "remarks": self._remarks(),
            "chains": {name: _view(health) for name, health in chains.items()},
        }
        return json_answer(orjson.dumps(body), 200 if ready else 503)

    async def _ask(self) -> Sequence[str]:
        try:
            async with asyncio.timeout(_TIMEOUT_SECS):
                return await self._readiness()
        except TimeoutError:
            return [f"the database did not answer within {_TIMEOUT_SECS:.0f} s"]


def _reasons(chains: Mapping[str, Health]) -> Iterator[str]:
    for name, health in chains.items():
        if not health.ready:
            yield from (f"{name}: {reason}" for reason in health.reasons or ("not scanned to the present yet",))


def _view(health: Health) -> dict[str, object]:
    return {
        "ready": health.ready,
        "head_time": _seconds(health.head_time),
        "scanned_until": _seconds(health.scanned_until),
        "reasons": health.reasons,
    }


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else unix_seconds(moment)
