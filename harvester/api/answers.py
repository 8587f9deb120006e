"""The forms that all answers have."""

import math
from typing import Final

import orjson
from aiohttp import web

_JSON_HEADERS: Final = {"Content-Type": "application/json", "Cache-Control": "no-store"}


class Refusal(Exception):
    """A request that the API refuses before the services hear of it. Raise it: the boundary makes it an answer."""

    def __init__(self, status: int, code: str, error: str, retry_secs: float | None = None) -> None:
        """Make it; `retry_secs`: after how long the client may try again, if that can help."""
        super().__init__(error)
        self._status, self._code, self._error = status, code, error
        self.retry_after_secs = None if retry_secs is None else max(1, math.ceil(retry_secs))

    def answer(self, request_id: str) -> web.Response:
        """Return the answer."""
        answer = error_answer(self._status, self._code, self._error, request_id)
        if self.retry_after_secs is not None:
            answer.headers["Retry-After"] = str(self.retry_after_secs)
        return answer


def json_answer(body: bytes, status: int = 200) -> web.Response:
    """Return an answer of JSON that nobody may cache."""
    return web.Response(body=body, status=status, headers=_JSON_HEADERS)


def error_answer(status: int, code: str, error: str, request_id: str, **more: str) -> web.Response:
    """Return an error: a text for people, a stable `code` for programs, and the id to ask the operator about.

    `more`: members that only this code has.
    """
    body = {"error": error, "code": code, "request_id": request_id, **more}
    return json_answer(orjson.dumps(body), status)


def text_answer(status: int, text: str) -> web.Response:
    """Return one line of plain text, as for paths and methods that do not exist."""
    return web.Response(text=text + "\n", status=status, content_type="text/plain")
