"""The way out for webhooks, as the settings say: for the daemon, and for commands that send a test."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from harvester.chain import Clock
from harvester.chain.hooks import Hook
from harvester.config.settings import Settings
from harvester.domain.egress import EgressRules
from harvester.log import SecretMask
from harvester.storage.endpoints import ENVIRONMENT
from harvester.webhooks.client import WebhookClient
from harvester.webhooks.hooks import HookSender
from harvester.webhooks.signing import Secret


def egress_rules(settings: Settings) -> EgressRules:
    """Return where endpoints that are not local may be."""
    return EgressRules(settings.webhook_allow_http, settings.webhook_allow_networks)


@asynccontextmanager
async def webhook_client(
    settings: Settings,
    clock: Clock,
    release: str,
    hooks: Mapping[str, Hook] | None = None,
    configured_secrets: Iterable[str] = (),
) -> AsyncIterator[HookSender]:
    """Yield what sends webhooks and hands events to `hooks`; it knows the secrets of the environment's endpoint.

    `configured_secrets` are masked in what hooks say.
    """
    texts = settings.webhook_secret.get_secret_value().split(",") if settings.webhook_secret else []
    secrets = {ENVIRONMENT: [Secret(text.strip()) for text in texts]}
    async with WebhookClient.open(secrets, clock, release, rules=egress_rules(settings)) as client:
        yield HookSender(client, hooks or {}, clock, mask=SecretMask(configured_secrets).text)
