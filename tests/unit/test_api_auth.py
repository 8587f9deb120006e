"""The token's guard."""

import hmac
from unittest.mock import create_autospec

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from prometheus_client import CollectorRegistry

from harvester.api.auth import TokenGuard
from harvester.api.limits import Limits
from harvester.api.visitors import Visitors
from harvester.clock import utc_now
from harvester.domain.access import Scope
from harvester.metrics import Metrics
from harvester.storage.database import Database
from tests.access import access

TOKEN = "tökén with spaces"
AWAY = create_autospec(Database)
"""Nothing here has the form of a token that is looked up."""


async def welcome(_request: web.Request) -> web.StreamResponse:
    """A handler behind the guard."""
    return web.Response(text="welcome")


async def status(header: str | None) -> int:
    """What a request with this header gets."""
    headers = {} if header is None else {"Authorization": header}
    metrics = Metrics(CollectorRegistry(), "test")
    guard = TokenGuard(access(AWAY, utc_now, TOKEN), Visitors(Limits(), metrics), metrics)
    answer = await guard(Scope.READ, welcome)(make_mocked_request("GET", "/", headers))
    return answer.status


async def test_the_token_alone_is_let_through() -> None:
    assert await status(f"Bearer {TOKEN}") == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"bearer {TOKEN}",
        f"Basic {TOKEN}",
        f"Bearer  {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
    ],
)
async def test_anything_else_is_not(header: str | None) -> None:
    assert await status(header) == 401


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """What is compared in constant time."""
    seen: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def spy(given: bytes, expected: bytes) -> bool:
        seen.append((given, expected))
        return compare(given, expected)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    return seen


async def test_the_comparison_takes_the_same_time_wherever_texts_differ(comparisons: list[tuple[bytes, bytes]]) -> None:
    for header in (None, "x", "Bearer x", f"Bearer {TOKEN}"):
        await status(header)
    assert [expected for _, expected in comparisons] == [f"Bearer {TOKEN}".encode()] * 4
