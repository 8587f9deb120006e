"""How many webhooks may be in flight, so that an endpoint that hangs or is overloaded delays only itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from harvester.storage.deliveries import Room

DEFAULT_IN_ALL: Final = 512
DEFAULT_PER_ENDPOINT: Final = 192
FIRST: Final = 16
"""What an endpoint is allowed until it has answered: one that never does cannot take more."""
RESERVED: Final = 4
"""What each endpoint is allowed even when others have taken all: that many hang, the rest are served."""
_RESERVED_IN_ALL: Final = 128
MAX_PAUSE_SECS: Final = 60.0
"""Others may be welcome where one is not, so what an endpoint asks for in answer to one binds all only so long."""


@dataclass(slots=True)
class _Endpoint:
    allowed: int
    busy: int = 0
    paused_until: datetime | None = None

    def free(self, now: datetime) -> int:
        if self.paused_until is not None and now < self.paused_until:
            return 0
        return max(0, self.allowed - self.busy)


class Slots:
    """Counts sends in flight. What an endpoint is allowed halves when it strains, and grows by one when it does not."""

    def __init__(self, in_all: int = DEFAULT_IN_ALL, per_endpoint: int = DEFAULT_PER_ENDPOINT) -> None:
        self._in_all = in_all
        self._per_endpoint = per_endpoint
        self._first = min(FIRST, per_endpoint)
        self._endpoints: dict[UUID, _Endpoint] = {}

    @property
    def busy(self) -> int:
        """How many are in flight."""
        return sum(endpoint.busy for endpoint in self._endpoints.values())

    def room(self, now: datetime) -> Room:
        """Return how many more may be in flight."""
        spare = self._in_all - self.busy
        free = {endpoint_id: endpoint.free(now) for endpoint_id, endpoint in self._endpoints.items()}
        if spare > 0:
            return Room(spare, free, self._first)
        reserved = {
            endpoint_id: min(free[endpoint_id], max(0, RESERVED - endpoint.busy))
            for endpoint_id, endpoint in self._endpoints.items()
        }
        return Room(_RESERVED_IN_ALL, reserved, min(RESERVED, self._first))

    def take(self, endpoint_id: UUID) -> None:
        """Count one send to the endpoint."""
        self._endpoints.setdefault(endpoint_id, _Endpoint(self._first)).busy += 1

    def give_back(self, endpoint_id: UUID, strained: bool) -> None:
        """End one send; `strained` says that the endpoint did not answer, or asked for less."""
        endpoint = self._endpoints[endpoint_id]
        endpoint.busy -= 1
        endpoint.allowed = max(1, endpoint.allowed // 2) if strained else min(self._per_endpoint, endpoint.allowed + 1)

    def pause(self, endpoint_id: UUID, now: datetime, secs: float) -> None:
        """Send nothing to the endpoint for `secs`, at most `MAX_PAUSE_SECS`."""
        self._endpoints[endpoint_id].paused_until = now + timedelta(seconds=min(secs, MAX_PAUSE_SECS))
