"""Signing: what the public verifier of Standard Webhooks accepts, and nothing that shows a secret."""

import base64
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from harvester.domain.errors import InvalidInput
from harvester.webhooks.signing import Secret, signed_headers

EVENT = UUID("0198c0de-0000-7000-8000-000000000001")
keys = st.binary(min_size=24, max_size=64)


def written(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def verified(key: bytes, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(written(key)).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


@given(key=keys, body=st.text(), event_id=st.uuids())
def test_the_public_verifier_accepts_what_is_signed(key: bytes, body: str, event_id: UUID) -> None:
    headers = signed_headers([Secret(written(key))], event_id, datetime.now(UTC), body.encode())
    assert verified(key, body.encode(), headers)


@given(key=keys, other=keys, body=st.binary(max_size=50).map(bytes.hex))
def test_it_refuses_another_body_and_another_key(key: bytes, other: bytes, body: str) -> None:
    headers = signed_headers([Secret(written(key))], EVENT, datetime.now(UTC), body.encode())
    assert not verified(key, body.encode() + b"x", headers)
    assert verified(other, body.encode(), headers) == (other == key)


def test_during_a_rotation_both_secrets_verify() -> None:
    old, new = b"o" * 24, b"n" * 64
    headers = signed_headers([Secret(written(new)), Secret(written(old))], EVENT, datetime.now(UTC), b"{}")
    assert [part[:3] for part in headers["webhook-signature"].split(" ")] == ["v1,", "v1,"]
    assert verified(old, b"{}", headers)
    assert verified(new, b"{}", headers)


def test_the_headers_are_the_id_and_whole_seconds() -> None:
    headers = signed_headers([], EVENT, datetime(2026, 1, 1, 0, 0, 1, 999_999, UTC), b"{}")
    assert headers == {"webhook-id": str(EVENT), "webhook-timestamp": "1767225601"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        written(b"k" * 23),
        written(b"k" * 65),
        written(b"k" * 32).removeprefix("whsec_"),
        written(b"k" * 32) + "\n",
        written(b"k" * 32).rstrip("="),
        "whsec_" + "ї" * 40,
        "whsk_" + base64.b64encode(b"k" * 32).decode(),
    ],
)
def test_another_form_of_secret_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(InvalidInput, match="whsec_ and 24 to 64 bytes in base64") as refusal:
        Secret(text)
    assert len(text) < 10 or text not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__context__ is None


@given(keys)
def test_a_secret_never_shows_itself(key: bytes) -> None:
    secret = Secret(written(key))
    assert f"{secret!r} {secret}" == "Secret(…) Secret(…)"


def test_the_id_differs_by_event_only() -> None:
    first, second = (signed_headers([], event_id, datetime.now(UTC), b"") for event_id in (EVENT, uuid4()))
    assert first["webhook-id"] != second["webhook-id"]
