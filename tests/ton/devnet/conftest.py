"""A local chain per test, with an unmodified pytoniq client before it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pytoniq import LiteClient

from harvester_ton.devnet.local import LocalTon
from harvester_ton.devnet.server import LiteServer
from harvester_ton.devnet.tvm import tvm_available

RUNS_ANYWHERE = {"test_cells.py", "test_without_tvm.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nearly everything here needs a TVM, and says so where there is none."""
    skip = pytest.mark.skip(reason="no TVM emulator for this platform (PyPI pytvm)")
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name not in RUNS_ANYWHERE:
            item.add_marker(pytest.mark.chain)
            if not tvm_available():
                item.add_marker(skip)


@pytest.fixture
async def ton() -> AsyncIterator[LocalTon]:
    """A chain in manual mode."""
    async with LocalTon() as chain:
        yield chain


def client_for(server: LiteServer, trust_level: int = 1, timeout: int = 5) -> LiteClient:
    """pytoniq's own client, not connected yet."""
    key = base64.b64encode(server.public_key).decode()
    return LiteClient("127.0.0.1", server.port, key, trust_level=trust_level, timeout=timeout)
