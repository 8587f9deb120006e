"""The code in docs/how-to/webhooks.md does what it says."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from standardwebhooks import Webhook as Signer

PAGE = (Path(__file__).parents[2] / "docs/how-to/webhooks.md").read_text()


def test_the_verification_by_hand_agrees_with_the_library() -> None:
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
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
