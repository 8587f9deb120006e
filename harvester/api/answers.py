"""The forms that all answers have."""

from typing import Final

import orjson
from aiohttp import web

_JSON_HEADERS: Final = {"Content-Type": "application/json", "Cache-Control": "no-store"}


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
