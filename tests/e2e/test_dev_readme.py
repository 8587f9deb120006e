"""What the README says is true."""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Signer

from tests.e2e.conftest import World

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
WEBHOOKS = (ROOT / "docs/how-to/webhooks.md").read_text()


def test_the_verification_by_hand_agrees_with_the_library() -> None:
    code = re.search(r"```python\n(.*?)```", WEBHOOKS, re.DOTALL)
    assert code
    names: dict[str, Callable[[str, dict[str, str], bytes], bool]] = {}
    exec(code[1], names)  # noqa: S102 - the code is the page's
    secret, now, body = "whsec_" + base64.b64encode(bytes(range(24))).decode(), datetime.now(UTC), b'{"a": 1}'
    headers = {
        "webhook-id": "one",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Signer(secret).sign("one", now, body.decode()),
    }
    assert names["verify"](secret, headers, body)
    assert not names["verify"](secret, headers, body + b" ")


@pytest.mark.chain
@pytest.mark.asyncio(loop_scope="module")
async def test_the_first_invoice_is_one(world: World) -> None:
    body = re.search(r"/api/v1/invoice -d '(.*?)'", README, re.DOTALL)
    assert body
    wanted = json.loads(body[1])
    invoice = await world.shop.ask("POST", "/tonpay/private/api/v1/invoice", wanted)
    assert {name: invoice[name] for name in ("amount", "currency", "private_info")} == {
        name: wanted[name] for name in ("amount", "currency", "private_info")
    }
