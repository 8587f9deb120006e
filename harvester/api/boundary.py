"""The outermost layer of every request: its id, its time, and what becomes of errors."""

import re
import time
from collections.abc import Callable
from os import urandom
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from harvester.api.answers import error_answer, text_answer
from harvester.domain.errors import (
    ActRefused,
    InvalidInput,
    NoRate,
    NotFound,
    OrderExists,
    TransitionRefused,
    Unavailable,
)
from harvester.metrics import Metrics

REQUEST_ID: Final = "X-Request-Id"
RETRY_AFTER_SECS: Final = 5
UNMATCHED: Final = "unmatched"
"""The `route` label of paths that do not exist."""

_SANE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET_SECS: Final = 60.0
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_log = structlog.get_logger(__name__)


class Boundary:
    """Answers whatever happens: nothing but cancellation escapes it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._meters: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}
        self._quiet_until = 0.0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handle one request."""
        started = time.perf_counter()
        request_id = _request_id(request)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        answer = await self._answer(request, handler, request_id)
        answer.headers[REQUEST_ID] = request_id
        answer.headers["Server"] = "harvester"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        self._count(request, answer.status, time.perf_counter() - started)
        return answer

    async def _answer(self, request: web.Request, handler: Handler, request_id: str) -> web.StreamResponse:
        try:
            return await handler(request)
        except InvalidInput as refusal:
            return error_answer(400, "invalid_input", str(refusal), request_id)
        except NotFound as refusal:
            return error_answer(404, "not_found", str(refusal), request_id)
        except TransitionRefused as refusal:
            return error_answer(404, "not_waiting", str(refusal), request_id)
        except OrderExists as refusal:
            return error_answer(409, "order_exists", str(refusal), request_id, invoice_id=str(refusal.invoice_id))
        except ActRefused as refusal:
            return error_answer(409, "refused", str(refusal), request_id)
        except NoRate as refusal:
            return error_answer(409, "no_rate", str(refusal), request_id)
        except Unavailable as outage:
            self._tell(outage)
            return _try_later(request_id)
        except web.HTTPException as refusal:
            return _framework_answer(refusal, request_id)
        except Exception:  # noqa: BLE001  the last resort of a request: told, counted, and answered 500
            _log.exception("a request failed: this is a defect", route=_route(request), method=request.method)
            return error_answer(500, "internal_error", "internal error", request_id)

    def _tell(self, outage: Unavailable) -> None:
        """Log an outage at most once a minute, however many requests suffer from it."""
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _QUIET_SECS
            _log.warning("requests are refused for now", error=str(outage))

    def _count(self, request: web.Request, status: int, seconds: float) -> None:
        key = (_route(request), request.method, status)
        increment, observe = self._meters.get(key) or self._meter(*key)
        increment()
        observe(seconds)

    def _meter(self, route: str, method: str, status: int) -> tuple[Callable[[], None], Callable[[float], None]]:
        """Find the metrics of a label set, which costs more than counting, and keep them."""
        label = method if method in _METHODS else "other"
        requests = self._metrics.http_requests.labels(route, label, str(status))
        duration = self._metrics.http_duration.labels(route, label)
        self._meters[route, method, status] = requests.inc, duration.observe
        return requests.inc, duration.observe


def _request_id(request: web.Request) -> str:
    given = request.headers.get(REQUEST_ID, "")
    return given if _SANE_ID.fullmatch(given) else urandom(16).hex()


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else UNMATCHED


def _try_later(request_id: str) -> web.Response:
    answer = error_answer(503, "unavailable", "temporarily unavailable: try again later", request_id)
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECS)
    return answer


def _framework_answer(refusal: web.HTTPException, request_id: str) -> web.Response:
    if isinstance(refusal, web.HTTPNotFound):
        return text_answer(404, "404 page not found")
    if isinstance(refusal, web.HTTPMethodNotAllowed):
        answer = text_answer(405, "Method Not Allowed")
        answer.headers["Allow"] = refusal.headers["Allow"]
        return answer
    return error_answer(refusal.status, "invalid_request", refusal.reason, request_id)
