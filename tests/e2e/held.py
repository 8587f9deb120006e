"""`harvester run` that holds its answers: what it does is done, but nobody hears of it while the file HOLD is there."""

import asyncio
import os

from aiohttp import web

from harvester.api.boundary import Boundary
from harvester.cli import main

_dress = Boundary.dress


async def dress_or_hold(boundary: Boundary, request: web.Request, answer: web.StreamResponse) -> None:
    """Do what is done to every answer before it goes out, or never."""
    if os.path.exists(os.environ["HOLD"]):  # noqa: ASYNC240, PTH110 - it is local, and a trap
        await asyncio.Event().wait()
    await _dress(boundary, request, answer)


if __name__ == "__main__":
    setattr(Boundary, "dress", dress_or_hold)  # noqa: B010 - mypy lets no method be assigned
    main()
