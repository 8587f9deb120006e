"""Asking the daemon of a demo."""

from typing import Any

from harvester.domain.errors import Unavailable


async def answer_of(request: Any) -> dict[str, Any]:
    """Return the JSON object that a request of aiohttp's client is answered with.

    Raises:
        Unavailable: the answer is none of success; its text is in the message.
    """
    async with request as response:
        if not 200 <= response.status < 300:
            raise Unavailable(f"the API answered {response.status}: {await response.text()}")
        body: dict[str, Any] = await response.json()
        return body
