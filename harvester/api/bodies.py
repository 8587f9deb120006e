"""Reading small JSON bodies and the numbers in queries: strict, bounded, and clear in what they refuse."""

import asyncio
import re
from typing import Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from harvester.domain.errors import InvalidInput

_MAX_BYTES: Final = 1 << 16
_TIMEOUT_SECS: Final = 30.0
_WHOLE: Final = re.compile(r"[0-9]{1,19}")
_Body = TypeVar("_Body", bound="Body")


class Body(BaseModel):
    """A JSON object whose members are all known: a name that is not is a mistake worth telling."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


async def read_body(request: web.Request, model: type[_Body]) -> _Body:
    """Return the body as `model`; an empty one counts as `{}`.

    Raises:
        InvalidInput: it is too long, too slow, or not of this form.
    """
    if request.content_length is not None and request.content_length > _MAX_BYTES:
        raise InvalidInput(f"the body may have {_MAX_BYTES} bytes at most")
    try:
        async with asyncio.timeout(_TIMEOUT_SECS):
            body = await request.read()
    except (TimeoutError, web.RequestPayloadError, web.HTTPRequestEntityTooLarge):
        raise InvalidInput(f"the body must be whole within {_TIMEOUT_SECS:.0f} s, encoded as it says") from None
    if len(body) > _MAX_BYTES:
        raise InvalidInput(f"the body may have {_MAX_BYTES} bytes at most")
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
