"""The API before the start is finished."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from harvester.api.opening import Opening
from harvester.domain.errors import Unavailable


async def test_nothing_is_changed_before_the_start_is_finished() -> None:
    opened = asyncio.Event()
    opening = Opening(opened)

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(text=request.method)

    assert (await opening.middleware(make_mocked_request("GET", "/"), handler)).status == 200
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with pytest.raises(Unavailable):
            await opening.middleware(make_mocked_request(method, "/"), handler)
    opened.set()
    assert (await opening.middleware(make_mocked_request("POST", "/"), handler)).status == 200
