"""`Idempotency-Key`: a POST that is sent again with the same key is answered as it was, and not done again.

A key may have what RFC 9651 puts between quotes, with or without them. What was refused (4xx) or has failed (5xx) may
be sent again with the same key.
"""

import re
from collections.abc import Callable
from typing import Final, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from harvester.api.answers import Refusal, json_answer
from harvester.api.bodies import read_bytes
from harvester.domain.access import Caller
from harvester.domain.errors import HarvesterError, InvalidInput, Unavailable
from harvester.metrics import Metrics
from harvester.services.idempotency import Keys, Once, Ticket
from harvester.storage.idempotency import KeyTaken, Record

KEY: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
MAX_KEY_CHARACTERS: Final = 255
_RETRY_SECS: Final = 1
_BARE: Final = re.compile(r"[ !#-~]+")
_QUOTED: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"')
_TICKET: Final = web.RequestKey("ticket", Ticket)

_Result = TypeVar("_Result")


def once(request: web.Request, answer: Callable[[_Result], bytes], status: int = 200) -> Once[_Result] | None:
    """Return what to hand to the service that does what a request asks for; None: it has no key.

    `answer` makes the body of the answer, whose status is going to be `status`, of what the service returns.
    """
    ticket = request.get(_TICKET)
    return Once(ticket, status, answer) if ticket else None


class Repeats:
    """Knows the requests with keys that are at work in this process, and looks for those that were done."""

    def __init__(self, keys: Keys, metrics: Metrics) -> None:
        self._keys = keys
        self._results = metrics.idempotent_requests
        self._running: set[bytes] = set()

    async def answer(self, request: web.Request, caller: Caller, handler: Handler) -> web.StreamResponse:
        """Return what the handler answers, or has answered to the same request before.

        Raises:
            InvalidInput: the key is none.
            Refusal: the key was used with another body, or the same request is at work.
        """
        key = _read_key(request)
        if key is None:
            return await handler(request)
        ticket = Ticket.of(caller.token_id, request.method, request.path, key, await read_bytes(request))
        if ticket.id in self._running:
            self._results.labels("running").inc()
            raise Refusal(409, "idempotency_running", "a request with this key is still running", _RETRY_SECS)
        self._running.add(ticket.id)
        try:
            return await self._look(ticket) or await self._do(request, ticket, handler)
        finally:
            self._running.discard(ticket.id)

    async def _do(self, request: web.Request, ticket: Ticket, handler: Handler) -> web.StreamResponse:
        request[_TICKET] = ticket
        try:
            answer = await handler(request)
            if not ticket.kept and isinstance(answer, web.Response) and 200 <= answer.status < 300:
                await self._keys.keep(ticket, answer.status, _bytes(answer))
        except Unavailable:
            raise
        except (HarvesterError, KeyTaken):
            # Perhaps because another process has done the same request meanwhile: then its answer is the right one.
            replayed = await self._look(ticket)
            if replayed is None:
                raise
            return replayed
        self._results.labels("done").inc()
        return answer

    async def _look(self, ticket: Ticket) -> web.Response | None:
        record = await self._keys.find(ticket)
        return self._replay(record, ticket) if record else None

    def _replay(self, record: Record, ticket: Ticket) -> web.Response:
        if record.body_hash != ticket.body_hash:
            self._results.labels("mismatch").inc()
            raise Refusal(422, "idempotency_mismatch", "this key was used for a request with another body")
        self._results.labels("replayed").inc()
        answer = json_answer(record.answer, record.status)
        answer.headers[REPLAYED] = "true"
        return answer


def _read_key(request: web.Request) -> str | None:
    given = request.headers.getall(KEY, ())
    if not given:
        return None
    text = given[0].strip()
    if quoted := _QUOTED.fullmatch(text):
        text = re.sub(r"\\(.)", r"\1", quoted[1])
    elif not _BARE.fullmatch(text):
        text = ""
    if len(given) > 1 or not 0 < len(text) <= MAX_KEY_CHARACTERS:
        raise InvalidInput(
            f"{KEY} must be one text of 1 to {MAX_KEY_CHARACTERS} printable ASCII characters, in quotes or not"
        )
    return text


def _bytes(answer: web.Response) -> bytes:
    body = answer.body
    return body if isinstance(body, bytes) else b""
