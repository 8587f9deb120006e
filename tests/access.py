"""What the API asks about its callers, in tests."""

from harvester.api.auth import Access
from harvester.chain import Clock
from harvester.services.authentication import Authentication
from harvester.services.idempotency import Keys
from harvester.storage.database import Database
from harvester.storage.signals import Signals


def access(database: Database, clock: Clock, token: str) -> Access:
    """Access with this token of the environment, and whatever tokens the database has."""
    return Access(token, Authentication(database, Signals(database), clock), Keys(database, clock))
