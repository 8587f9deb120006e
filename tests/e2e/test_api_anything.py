"""Whatever is sent: never 500, and every refusal is a JSON object with a text."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clock import ManualClock
from tests.e2e.api_server import BEARER, PRIVATE, PUBLIC, Answer, Api, serving

CREATE = f"{PRIVATE}/invoice"
DRAFT: dict[str, Any] = {
    "amount": "5",
    "currency": "TON",
    "life_time": 60,
    "private_info": {},
    "metadata": {"merchant_name": "m", "goods": [{"name": "g"}], "mcc_code": 1},
}
TEXTS = st.text(st.characters(codec=None), max_size=20)
"""Half surrogates included: JSON can carry them."""
ODD = st.sampled_from([0, -1, 2**63, 2**64, 10**400, -0.0, 1e300, "\0", "\\u0000", "\ud800", "٣", "9" * 5_000, True])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*DRAFT, "AMOUNT", "Private_Info", "metadata\0"])
METADATA = st.dictionaries(
    st.sampled_from(["merchant_name", "merchant_url", "merchant_logo", "goods", "mcc_code", "Goods"]), JSON
)
SEGMENTS = st.binary(max_size=40).map(lambda raw: quote_from_bytes(raw, safe="{}:-")) | st.uuids().map(str)
HEADER_TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30)


@pytest.fixture
async def api(database_uri: str) -> AsyncIterator[Api]:
    async with serving(database_uri, ManualClock()) as opened:
        yield opened


def check(answer: Answer, *allowed: int) -> None:
    """Fail unless the answer has one of these statuses, and a text if it is a refusal."""
    assert answer.status in allowed, answer.text
    if answer.status != 200 and answer.body and answer.headers["Content-Type"] == "application/json":
        assert json.loads(answer.text)["error"]


@given(body=st.binary(max_size=300) | TEXTS.map(lambda text: text.encode(errors="surrogatepass")))
async def test_any_bytes_as_a_body(api: Api, body: bytes) -> None:
    check(await api.ask("POST", CREATE, body), 400)


@given(value=JSON)
async def test_any_json_as_a_body(api: Api, value: Any) -> None:
    check(await api.ask("POST", CREATE, json.dumps(value).encode()), 400)


@given(members=st.dictionaries(NAMES, JSON, min_size=1, max_size=3))
async def test_any_values_of_members(api: Api, members: dict[str, Any]) -> None:
    check(await api.ask("POST", CREATE, json.dumps(DRAFT | members).encode()), 200, 400)


@given(metadata=METADATA)
async def test_any_metadata(api: Api, metadata: dict[str, Any]) -> None:
    body = DRAFT | {"metadata": {"merchant_name": "m"} | metadata}
    check(await api.ask("POST", CREATE, json.dumps(body).encode()), 200, 400)


@given(at=st.integers(0, len(json.dumps(DRAFT))), by=st.binary(max_size=3), gone=st.integers(0, 3))
async def test_any_small_damage_to_a_body(api: Api, at: int, by: bytes, gone: int) -> None:
    whole = json.dumps(DRAFT).encode()
    check(await api.ask("POST", CREATE, whole[:at] + by + whole[at + gone :]), 200, 400)


def stored(value: Any) -> Any:
    """What is kept of a JSON value: no U+0000, U+FFFD for half a pair; of equal names the last."""
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\0", "")
    if isinstance(value, dict):
        return {stored(name): stored(inner) for name, inner in value.items()}
    return [stored(inner) for inner in value] if isinstance(value, list) else value


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=20,
)


@given(
    private_info=st.dictionaries(st.text(max_size=20), TREES), ascii_only=st.booleans(), indent=st.none() | st.just(2)
)
async def test_private_info_comes_back_as_the_same_value(
    api: Api, private_info: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(DRAFT | {"private_info": private_info}, ensure_ascii=ascii_only, indent=indent)
    made = await api.ask("POST", CREATE, body.encode())
    check(made, 200)
    shown = await api.ask("GET", f"{PRIVATE}/invoices/{json.loads(made.text)['id']}")
    assert json.loads(shown.text)["private_info"] == stored(private_info)


@given(segment=SEGMENTS, method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]))
async def test_any_path(api: Api, segment: str, method: str) -> None:
    paths = (f"/{segment}", f"{PUBLIC}/{segment}", f"{PUBLIC}/invoices/{segment}", f"{PRIVATE}/invoices/{segment}")
    for path in (*paths, f"{PRIVATE}/invoices/{segment}/cancel"):
        check(await api.ask(method, path), 200, 400, 404, 405)


@given(
    query=st.lists(
        st.tuples(st.sampled_from(["limit", "after", "Limit", "x"]), st.binary(max_size=20) | st.just(b"5")), max_size=4
    )
)
async def test_any_query(api: Api, query: list[tuple[str, bytes]]) -> None:
    text = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in query)
    check(await api.ask("GET", f"{PRIVATE}/invoices?{text}"), 200, 400)


@given(token=HEADER_TEXTS, other=HEADER_TEXTS)
async def test_any_headers(api: Api, token: str, other: str) -> None:
    check(await api.ask("GET", f"{PRIVATE}/invoices", headers={"Authorization": token}), 401)
    check(await api.ask("GET", f"{PRIVATE}/invoices", headers=BEARER | {"X-Request-Id": other, "Accept": other}), 200)
