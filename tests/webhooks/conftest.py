"""What tests of webhooks share."""

from collections.abc import AsyncIterator

import pytest

from harvester.services import delivery
from harvester.storage.database import Database
from tests.receiver import WAIT_SECS
from tests.webhooks.rig import Rig, open_rig


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    """One endpoint, that of the environment, and an answering receiver behind it."""
    async with open_rig(database) as opened:
        yield opened


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing happen because of the clock on the wall: what happens, happens at once."""
    monkeypatch.setattr(delivery, "_POLL_SECS", 10 * WAIT_SECS)
