"""The API while its database is away: it says so, says nothing else, and works again by itself."""

import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.clock import ManualClock
from tests.e2e.api_server import PRIVATE, PUBLIC, Api, serving
from tests.proxy import proxied

DRAFT = json.dumps({"amount": "5", "currency": "TON", "life_time": 60, "metadata": {"merchant_name": "m"}}).encode()


async def requests(api: Api, number: str) -> list[tuple[int, str, str | None]]:
    """Status, text and Retry-After of a request of each kind."""
    answers = [
        await api.ask("POST", f"{PRIVATE}/invoice", DRAFT),
        await api.ask("GET", f"{PRIVATE}/invoices"),
        await api.ask("GET", f"{PRIVATE}/invoices/{number}"),
        await api.ask("GET", f"{PUBLIC}/invoices/{number}"),
        await api.ask("POST", f"{PRIVATE}/invoices/{number}/cancel"),
    ]
    return [(answer.status, answer.text, answer.headers.get("Retry-After")) for answer in answers]


async def test_a_database_that_goes_away_is_503_and_comes_back_without_a_restart(database_uri: str) -> None:
    async with proxied(database_uri) as proxy, serving(proxy.uri, ManualClock()) as api:
        number = json.loads((await api.ask("POST", f"{PRIVATE}/invoice", DRAFT)).text)["id"]
        with capture_logs() as log:
            await proxy.cut()
            during = await requests(api, number)
            await proxy.restore()
            after = await requests(api, number)
    assert [(status, retry) for status, _, retry in during] == [(503, "5")] * 5
    assert {json.loads(text)["code"] for _, text, _ in during} == {"unavailable"}
    assert {json.loads(text)["error"] for _, text, _ in during} == {"temporarily unavailable: try again later"}
    assert [status for status, _, _ in after] == [200] * 5
    assert len(log) == 1
    assert database_uri not in str(log)


async def test_a_database_that_was_never_there_is_503(tmp_path: Path) -> None:
    uri = f"postgresql://secret-user:secret-word@/secret-base?host={tmp_path}"
    async with serving(uri, ManualClock()) as api:
        answer = await api.ask("GET", f"{PRIVATE}/invoices")
        refused = await api.ask("POST", f"{PRIVATE}/invoice", b"{")
        alive = await api.ask("GET", "/livez")
    assert answer.status == 503
    assert "secret" not in answer.text
    assert str(tmp_path) not in answer.text
    assert (refused.status, alive.status) == (400, 200)


async def test_a_defect_is_500_without_a_word_of_its_cause(database_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(database_uri, ManualClock()) as api:

        def broken(_ticker: str) -> None:
            raise ZeroDivisionError("a secret of the inside")

        monkeypatch.setattr("harvester.services.chains.Chains.currency", lambda _chains, ticker: broken(ticker))
        with capture_logs() as log:
            answer = await api.ask("POST", f"{PRIVATE}/invoice", DRAFT)
    assert (answer.status, json.loads(answer.text)["error"]) == (500, "internal error")
    assert [entry["log_level"] for entry in log] == ["error"]
    assert answer.headers["X-Request-Id"] == json.loads(answer.text)["request_id"]
