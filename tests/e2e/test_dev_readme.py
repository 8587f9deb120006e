"""What the README says is true."""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Signer

from harvester.chain import load_plugins
from harvester.config.settings import DaemonSettings
from tests.e2e.conftest import World

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_table_of_settings_has_all_that_there_are() -> None:
    table = re.search(r"\| name \| default \|.*\n\|.*\n((?:\|.*\n)+)", README)
    assert table
    named = {name for row in table[1].splitlines() for name in row.split("|")[1].strip().split(", ")}
    adapters = {name for plugin in load_plugins().values() for name in plugin.variables}
    assert named == adapters | {name.upper() for name in DaemonSettings.model_fields}


def test_the_verification_by_hand_agrees_with_the_library() -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code
    names: dict[str, Callable[[str, dict[str, str], bytes], bool]] = {}
    exec(code[1], names)  # noqa: S102 - the code is the README's
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
