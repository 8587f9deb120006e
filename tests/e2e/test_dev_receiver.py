"""The webhook receiver of `harvester dev` believes what somebody else's signer signs, and nothing else."""

import base64
from datetime import UTC, datetime

import aiohttp
import pytest
from standardwebhooks import Webhook as Signer

from harvester_demo.receiver import TOLERANCE_SECS, Webhook, WebhookReceiver, is_signed

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
BODY = b'{"id": "one", "status": "paid"}'
NOW = 1_800_000_000


def headers(secret: str = SECRET, body: bytes = BODY, sent_at: int = NOW) -> dict[str, str]:
    """Sign with the library."""
    signed = Signer(secret).sign("event", datetime.fromtimestamp(sent_at, UTC), body.decode())
    return {"webhook-id": "event", "webhook-timestamp": str(sent_at), "webhook-signature": signed}


def test_a_signature_of_the_library_is_believed_also_beside_another() -> None:
    assert is_signed(SECRET, headers(), BODY, NOW + TOLERANCE_SECS)
    rotated = headers() | {"webhook-signature": "v1,AAAA " + headers()["webhook-signature"]}
    assert is_signed(SECRET, rotated, BODY, NOW)


OTHER = "whsec_" + base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("given", "now"),
    [
        (headers(OTHER), NOW),
        (headers(body=b"{}"), NOW),
        (headers() | {"webhook-id": "other"}, NOW),
        (headers() | {"webhook-timestamp": str(NOW + 1)}, NOW),
        (headers() | {"webhook-timestamp": "soon"}, NOW),
        (headers() | {"webhook-signature": "v1,\udcff"}, NOW),
        (headers(), NOW + TOLERANCE_SECS + 1),
        ({}, NOW),
    ],
)
def test_anything_else_is_not(given: dict[str, str], now: float) -> None:
    assert not is_signed(SECRET, given, BODY, now)


async def test_a_repeat_is_acknowledged_and_counts_once_and_a_forgery_is_refused() -> None:
    heard: list[Webhook] = []
    sent_at = int(datetime.now(UTC).timestamp())
    async with WebhookReceiver.open(SECRET, heard.append) as receiver, aiohttp.ClientSession() as session:
        answers = []
        for each in (headers(sent_at=sent_at), headers(sent_at=sent_at), headers(OTHER, sent_at=sent_at)):
            async with session.post(receiver.url, data=BODY, headers=each) as answer:
                answers.append(answer.status)
        assert answers == [204, 204, 401]
        assert (await receiver.wait_for("one", "paid")).event_id == "event"
        assert len(heard) == len(receiver.all()) == 1
