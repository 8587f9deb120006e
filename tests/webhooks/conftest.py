"""What tests of webhooks share."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from harvester.services import delivery
from harvester.storage.database import Database
from harvester.storage.endpoints import ensure_environment_endpoint
from tests.outbox import stored_attempts
from tests.receiver import WAIT_SECS, receiving
from tests.webhooks.rig import Rig


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    """One endpoint, that of the environment, and an answering receiver behind it."""
    async with receiving() as receiver, stored_attempts(database) as stored:
        async with database.connection() as connection:
            await ensure_environment_endpoint(connection, receiver.url, datetime.now(UTC))
        yield Rig(database, receiver, stored)


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing happen because of the clock on the wall: what happens, happens at once."""
    monkeypatch.setattr(delivery, "_POLL_SECS", 10 * WAIT_SECS)
