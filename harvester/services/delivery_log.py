"""What the log says of deliveries: each at DEBUG, and of an endpoint that fails at most two lines a minute."""

import time
from dataclasses import dataclass
from typing import Final

import structlog

from harvester.storage.deliveries import DeliveryStatus, Outcome

_LOG_EVERY_SECS: Final = 60.0

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Trouble:
    """What an endpoint has not taken since that was last told."""

    failures: int = 0
    given_up: int = 0
    told: bool = False
    tell_at: float = 0.0


class DeliveryLog:
    """Tells of outcomes that are stored."""

    def __init__(self) -> None:
        self._troubles: dict[str, _Trouble] = {}

    def report(self, outcome: Outcome, stored: bool) -> None:
        """Tell what came of a delivery; not `stored`: another process had taken it over."""
        due, attempt = outcome.due, outcome.attempt
        log = _log.bind(
            delivery_id=due.id,
            event_id=str(due.message.event_id),
            invoice_id=due.invoice_id and str(due.invoice_id),
            endpoint=due.target.name,
            attempt=due.tried + 1,
            status_code=attempt.status_code,
            error=attempt.error,
            duration_ms=attempt.duration_ms,
        )
        if not stored:
            log.debug("the lease ran out: another process delivers this webhook")
        elif outcome.status is DeliveryStatus.DELIVERED:
            log.debug("webhook delivered")
            self._recover(due.target.name)
        elif outcome.endpoint_is_gone:
            log.error("the endpoint is gone: it is disabled")
        else:
            log.debug("webhook not taken", retry_at=outcome.retry_at and str(outcome.retry_at))
            self._complain(outcome, log)

    def _complain(self, outcome: Outcome, log: structlog.typing.FilteringBoundLogger) -> None:
        trouble = self._troubles.setdefault(outcome.due.target.name, _Trouble())
        trouble.failures += 1
        trouble.given_up += outcome.status is DeliveryStatus.DEAD
        now = time.monotonic()
        if now >= trouble.tell_at:
            trouble.tell_at, trouble.told = now + _LOG_EVERY_SECS, True
            log.warning(
                "an endpoint does not take its webhooks; this was the last",
                failures=trouble.failures,
                given_up=trouble.given_up,
            )
            trouble.failures = trouble.given_up = 0

    def _recover(self, endpoint: str) -> None:
        trouble = self._troubles.get(endpoint)
        if trouble and trouble.told:
            trouble.told = False
            _log.info("the endpoint takes webhooks again", endpoint=endpoint)
