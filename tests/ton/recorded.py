"""Recorded data of a real network, and vectors, as the tests of this folder read them."""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

_DATA: Final = Path(__file__).parent / "data"


@cache
def load(name: str) -> Any:
    """One JSON file of `data`."""
    return json.loads((_DATA / name).read_text())


def vectors() -> list[dict[str, Any]]:
    """Transactions made by hand with the payments they must give."""
    found: list[dict[str, Any]] = load("decoding-vectors.json")
    return found


def history(name: str) -> list[dict[str, Any]]:
    """The recorded transactions of one account, newest first."""
    found: list[dict[str, Any]] = load("transactions.json")[name]
    return found


def transaction_bocs() -> list[bytes]:
    """All recorded and made transactions."""
    recorded = [base64.b64decode(entry["boc"]) for entries in load("transactions.json").values() for entry in entries]
    return recorded + [bytes.fromhex(vector["transaction_boc_hex"]) for vector in vectors()]


def state_bocs() -> list[bytes]:
    """All bags of cells among the recorded account states and proofs; the proofs hold exotic cells."""
    return [data for text in _strings(load("states.json")) if (data := _boc(text))]


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


def _boc(text: str) -> bytes | None:
    return base64.b64decode(text) if text.startswith("te6cc") else None
