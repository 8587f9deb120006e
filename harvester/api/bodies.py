"""Reading bodies and the numbers in queries: strict, bounded, and clear in what they refuse."""

import asyncio
import re
from typing import Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from harvester.api.limits import BODY_SECS, MAX_BODY_BYTES
from harvester.domain.errors import InvalidInput

_SMALL_BYTES: Final = 1 << 16
_WHOLE: Final = re.compile(r"[0-9]{1,19}")
_Body = TypeVar("_Body", bound="Body")


class Body(BaseModel):
    """A JSON object whose members are all known: a name that is not is a mistake worth telling."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


async def read_bytes(request: web.Request, at_most: int = MAX_BODY_BYTES) -> bytes:
    """Return the body, of at most `at_most` (… MAX_BODY_BYTES) bytes; it may be asked for again.

    Raises:
        InvalidInput: it is too long, too slow, or not encoded as its headers say.
    """
    try:
        if (request.content_length or 0) <= at_most:
            async with asyncio.timeout(BODY_SECS):
                body = await request.read()
            if len(body) <= at_most:
                return body
    except web.HTTPRequestEntityTooLarge:
        pass
    except TimeoutError:
        raise InvalidInput(f"the body must arrive within {BODY_SECS:.0f} s") from None
    except web.RequestPayloadError:
        raise InvalidInput("the body is not encoded as its headers say") from None
    raise InvalidInput(f"the body may have {at_most} bytes at most")


async def read_body(request: web.Request, model: type[_Body]) -> _Body:
    """Return the body as `model`; an empty one counts as `{}`.

    Raises:
        InvalidInput: it cannot be read, or is not of this form.
    """
    body = await read_bytes(request, _SMALL_BYTES)
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise InvalidInput(f"{where}: {first['msg']}") from None


def query_number(request: web.Request, name: str, default: int, lowest: int, highest: int) -> int:
    """Return a whole number of the query, or `default` if it is not given.

    Raises:
        InvalidInput: it is no number from `lowest` to `highest`.
    """
    text = request.query.get(name, "")
    if not text:
        return default
    if not _WHOLE.fullmatch(text) or not lowest <= int(text) <= highest:
        raise InvalidInput(f"{name} must be a whole number from {lowest} to {highest}")
    return int(text)
