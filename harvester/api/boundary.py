"""The outermost layer of every request: its id, its time, and what becomes of errors."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from os import urandom
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from harvester.api.answers import Refusal, error_answer, text_answer
from harvester.api.limits import REQUEST_SECS
from harvester.domain.errors import (
    ActRefused,
    Forbidden,
    InvalidInput,
    NoRate,
    NotEnabled,
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

_ID: Final = web.RequestKey("request_id", str)
_TIME: Final = web.RequestKey("time", asyncio.Timeout)
_HEADERS: Final = {"Server": "harvester", "X-Content-Type-Options": "nosniff"}
# For what is no page: whatever a browser makes of it, it may load nothing and be shown in nothing.
_DEFAULT_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_SANE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET_SECS: Final = 60.0
_ANSWERS: Final[Mapping[type[Exception], tuple[int, str]]] = {
    InvalidInput: (400, "invalid_input"),
    Forbidden: (403, "forbidden_scope"),
    NotFound: (404, "not_found"),
    TransitionRefused: (404, "not_waiting"),
    ActRefused: (409, "refused"),
    NoRate: (409, "no_rate"),
    NotEnabled: (423, "not_enabled"),
}
_TOO_LONG: Final = "this took too long and was given up: whether it has taken effect is not known"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_log = structlog.get_logger(__name__)


class Boundary:
    """Answers whatever happens: nothing but cancellation escapes it."""

    def __init__(self, metrics: Metrics, request_secs: float = REQUEST_SECS) -> None:
        self._metrics = metrics
        self._request_secs = request_secs
        self._meters: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}
        self._quiet_until = 0.0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handle one request."""
        started = time.perf_counter()
        request[_ID] = request_id = _request_id(request)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            async with asyncio.timeout(self._request_secs) as request[_TIME]:
                answer = await self._answer(request, handler, request_id)
        except TimeoutError:
            answer = Refusal(503, "timeout", _TOO_LONG, RETRY_AFTER_SECS).answer(request_id)
        finally:
            del request[_TIME]
        self._count(request, answer.status, time.perf_counter() - started)
        return answer

    async def dress(self, request: web.Request, answer: web.StreamResponse) -> None:
        """Give an answer that is about to begin the headers that all have, and a stream all the time it wants."""
        answer.headers[REQUEST_ID] = request[_ID]
        answer.headers.update(_HEADERS)
        for name, value in _DEFAULT_HEADERS.items():
            answer.headers.setdefault(name, value)
        if not isinstance(answer, web.Response) and _TIME in request:
            request[_TIME].reschedule(None)

    async def _answer(self, request: web.Request, handler: Handler, request_id: str) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            return refusal.answer(request_id)
        except OrderExists as refusal:
            return error_answer(409, "order_exists", str(refusal), request_id, invoice_id=str(refusal.invoice_id))
        except tuple(_ANSWERS) as refusal:
            status, code = next(_ANSWERS[kind] for kind in type(refusal).__mro__ if kind in _ANSWERS)
            return error_answer(status, code, str(refusal), request_id)
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


def more_time(request: web.Request, secs: float) -> None:
    """Let a request take so much longer than others may."""
    time_limit = request[_TIME]
    time_limit.reschedule((time_limit.when() or 0.0) + secs)


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
