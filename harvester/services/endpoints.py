"""Endpoints as the merchant and the operator manage them."""

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson
from uuid_utils.compat import uuid7

from harvester.chain import Clock
from harvester.domain.egress import EgressRules
from harvester.domain.errors import InvalidInput, NotFound
from harvester.domain.events import DEFAULT_EVENT_TYPES, EventType, unix_seconds
from harvester.domain.webhooks import Message
from harvester.services.delivery import Answer, Sender
from harvester.services.idempotency import Once, kept
from harvester.storage import endpoints, replay
from harvester.storage.database import Database
from harvester.storage.endpoints import ENVIRONMENT, HOOK_PREFIX, Endpoint
from harvester.storage.signals import Signals

MAX_ENDPOINTS: Final = 100
"""Each costs a row with every event."""
DEFAULT_OVERLAP_SECS: Final = 24 * 3600
MAX_OVERLAP_SECS: Final = 30 * 24 * 3600
TEST_EVENT: Final = "endpoint.test"
_SECRET_BYTES: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_REPLAY_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Lists, makes, changes and removes endpoints. All methods may raise Unavailable, and KeyTaken with a `once`.

    An endpoint is named by its name or its id; one that is not there is NotFound.
    """

    database: Database
    signals: Signals
    clock: Clock
    sender: Sender
    rules: EgressRules

    async def list(self) -> Sequence[Endpoint]:
        """Return all endpoints, by name."""
        async with self.database.connection() as connection:
            return await endpoints.all_endpoints(connection)

    async def get(self, name_or_id: str) -> Endpoint:
        """Return one."""
        async with self.database.connection() as connection:
            found = await endpoints.find(connection, name_or_id)
        return _there(found, name_or_id)

    async def add(
        self,
        name: str,
        url: str,
        event_types: Sequence[str] | None = None,
        *,
        local: bool = False,
        once: Once[Endpoint] | None = None,
    ) -> Endpoint:
        """Make an endpoint with a new secret and return it. `local` is the operator's word that any address will do.

        Raises:
            InvalidInput: name, URL or event types are not allowed, the name is taken, or there are too many.
        """
        if not _NAME.fullmatch(name) or name == ENVIRONMENT or name.startswith(HOOK_PREFIX):
            raise InvalidInput(
                "name must be 1 to 64 letters, digits, dots, dashes and underscores, "
                f"not {ENVIRONMENT}, and not beginning with {HOOK_PREFIX}"
            )
        self.rules.check_url(url, local=local)
        types = _event_types(DEFAULT_EVENT_TYPES if event_types is None else event_types)
        now = self.clock()
        async with self.database.transaction() as connection:
            made = await endpoints.insert(
                connection, name, url, types, _new_secret(), now, local=local, at_most=MAX_ENDPOINTS
            )
            if made is None:
                raise InvalidInput(f"name is taken by another endpoint, or there are {MAX_ENDPOINTS} endpoints already")
            return await kept(once, connection, made, now)

    async def change(
        self, name_or_id: str, url: str | None, event_types: Sequence[str] | None, *, by_operator: bool = False
    ) -> Endpoint:
        """Give an endpoint another URL, at once, or other event types, from the next event on; None leaves as it is.

        `by_operator`: that of a local endpoint may be changed, too, to any address.

        Raises:
            InvalidInput: they are not allowed, the URL is the environment's or the operator's to say, or it is a hook.
        """
        endpoint = await self.get(name_or_id)
        if url is not None:
            _not_of_environment(endpoint, "its URL is WEBHOOK_ENDPOINT")
            if endpoint.local and not by_operator:
                raise InvalidInput(
                    f"the endpoint {endpoint.name!r} is local: its url is changed with `harvester endpoint change`"
                )
            self.rules.check_url(url, local=endpoint.local)
        if event_types is not None:
            _not_a_hook(endpoint)
        types = None if event_types is None else _event_types(event_types)
        async with self.database.connection() as connection:
            changed = await endpoints.update(connection, endpoint.id, url, types, self.clock())
        return _there(changed, name_or_id)

    async def enable(self, name_or_id: str, once: Once[Endpoint] | None = None) -> Endpoint:
        """Tell the endpoint of events again, beginning with what is pending."""
        enabled = await self._switch(name_or_id, None, once, enabled=True)
        self.signals.publish("deliveries")
        return enabled

    async def disable(self, name_or_id: str, reason: str, once: Once[Endpoint] | None = None) -> Endpoint:
        """Send the endpoint nothing; what is pending waits, and nothing more is recorded for it."""
        return await self._switch(name_or_id, reason, once, enabled=False)

    async def remove(self, name_or_id: str) -> None:
        """Remove the endpoint with its secrets; what is pending for it is given up."""
        endpoint = await self.get(name_or_id)
        _not_of_environment(endpoint, "unset WEBHOOK_ENDPOINT, or disable it")
        async with self.database.connection() as connection:
            await endpoints.remove(connection, endpoint.id, self.clock())

    async def rotate(
        self, name_or_id: str, overlap_secs: int = DEFAULT_OVERLAP_SECS, once: Once[Endpoint] | None = None
    ) -> Endpoint:
        """Give the endpoint a new secret; the old one signs, too, for `overlap_secs` (0 … MAX_OVERLAP_SECS).

        Raises:
            InvalidInput: `overlap_secs` is out of range, or the secret is the environment's to say.
        """
        if not 0 <= overlap_secs <= MAX_OVERLAP_SECS:
            raise InvalidInput(f"overlap must be 0 to {MAX_OVERLAP_SECS} seconds")
        endpoint, now = await self.get(name_or_id), self.clock()
        _not_of_environment(endpoint, "its secrets are WEBHOOK_SECRET: the new one, a comma, the old one")
        until = now + timedelta(seconds=overlap_secs)
        async with self.database.transaction() as connection:
            rotated = await endpoints.rotate(connection, endpoint.id, _new_secret(), until, now)
            return await kept(once, connection, _there(rotated, name_or_id), now)

    async def test(self, name_or_id: str) -> Answer:
        """Send the endpoint a test, enabled or not, and return what it answered. Nothing is recorded.

        Raises:
            InvalidInput: it is a hook, for which a test would be an event like any other.
        """
        endpoint, now = await self.get(name_or_id), self.clock()
        if endpoint.name.startswith(HOOK_PREFIX):
            raise InvalidInput(
                f"the endpoint {endpoint.name!r} is a hook, which takes no test; `harvester webhook list --endpoint`"
                " shows what came of its events"
            )
        body = {"type": TEST_EVENT, "endpoint": endpoint.name, "created_at": unix_seconds(now)}
        message = Message(uuid7(), TEST_EVENT, None, orjson.dumps(body))
        return await self.sender.send(endpoint.target(now), message)

    async def replay(self, name_or_id: str, since: datetime, until: datetime) -> int:
        """Tell the endpoint everything it wants of what happened from `since` to before `until`; return how many.

        What it was told is sent again under the same ids, what it never was told is sent now. What is in flight is left
        alone. Done in batches: a failure in between leaves the first ones done, and repeating it does no harm.
        """
        endpoint, count = await self.get(name_or_id), 0
        async with self.database.connection() as connection:
            numbers = await replay.numbers(connection, since, until)
        at, last = (numbers[0] - 1, numbers[1]) if numbers else (0, 0)
        while at < last:
            async with self.database.connection() as connection:
                told, up_to = await replay.replay(
                    connection, endpoint.id, at, last, since, until, self.clock(), at_most=_REPLAY_BATCH
                )
            count, at = count + told, last if up_to is None else up_to
            self.signals.publish("deliveries")
        return count

    async def _switch(
        self, name_or_id: str, reason: str | None, once: Once[Endpoint] | None, *, enabled: bool
    ) -> Endpoint:
        endpoint, now = await self.get(name_or_id), self.clock()
        async with self.database.transaction() as connection:
            switched = await endpoints.switch(connection, endpoint.id, reason, now, enabled=enabled)
            return await kept(once, connection, _there(switched, name_or_id), now)


def _there(found: Endpoint | None, name_or_id: str) -> Endpoint:
    if found is None:
        raise NotFound(f"there is no endpoint {name_or_id!r}")
    return found


def _not_of_environment(endpoint: Endpoint, instead: str) -> None:
    if endpoint.name == ENVIRONMENT:
        raise InvalidInput(f"the endpoint {ENVIRONMENT!r} comes from the environment: {instead}")
    _not_a_hook(endpoint)


def _not_a_hook(endpoint: Endpoint) -> None:
    if endpoint.name.startswith(HOOK_PREFIX):
        raise InvalidInput(f"the endpoint {endpoint.name!r} is a hook: HOOKS names it, and it knows what it wants")


def _event_types(given: Sequence[str]) -> Sequence[str]:
    known = [kind.value for kind in EventType]
    if not given or not set(given) <= set(known):
        raise InvalidInput(f"event types must be one or more of {', '.join(known)}")
    return [kind for kind in known if kind in set(given)]


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
