"""The settings of orders and credit reach those who obey them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from aiohttp import web
from prometheus_client import CollectorRegistry

from harvester.chain import Adapter
from harvester.chain.desk import Desk, OrderDraft
from harvester.config.configuration import configure
from harvester.config.settings import DaemonSettings
from harvester.config.variables import Variables
from harvester.desks import plugin_routes
from harvester.domain.acts import By
from harvester.domain.webhooks import Message, Target
from harvester.metrics import Metrics
from harvester.parts import Parts
from harvester.services.chains import Chains
from harvester.storage.database import Database
from harvester.webhooks.client import Answer
from tests.clock import ManualClock
from tests.e2e import memory_adapter
from tests.memory_chain import COIN, MemoryChain

SETTINGS = {
    "TOKEN": "sesame-open",
    "CHAINS": "memory",
    "CREDIT_UNMATCHED": "on",
    "TPG_UNCLAIMED_ORDER_TIMEOUT": "3",
    "TPG_UNPAID_ORDER_TIMEOUT": "5",
    "TPG_STRICT_MODE": "0",
}


class Nobody:
    """Sends nothing."""

    async def send(self, target: Target, _message: Message) -> Answer:
        raise AssertionError(f"{target.name} is told something")


async def test_orders_live_are_named_and_are_paid_from_credit_as_the_settings_say(database: Database) -> None:
    clock, desks = ManualClock(), list[Desk]()

    def routes(_adapter: Adapter, desk: Desk) -> Sequence[web.RouteDef]:
        desks.append(desk)
        return []

    plugin = replace(memory_adapter.plugin, routes=routes)
    configuration = configure(DaemonSettings, Variables(SETTINGS), {"memory": plugin}, clock)
    metrics = Metrics(CollectorRegistry(), "test")
    parts = Parts.make(configuration, database, Nobody(), Chains(configuration.adapters), clock, metrics)
    plugin_routes(configuration, parts)
    ((desk,), [chain]) = desks, configuration.adapters
    assert isinstance(chain, MemoryChain)

    draft = OrderDraft("17", "alice", "MEM", Decimal(1), "MEM", clock(), alt_id="#1001")
    assert (await desk.place_order(draft)).invoice.expires_at == clock() + timedelta(hours=3)
    assert (await parts.accounts.claim("#1001", "a1", By("cli", None))).expires_at == clock() + timedelta(hours=5)
    chain.pay(10**9, payer="a1")
    await chain.scan(parts.ledger(database), COIN)
    paid = await desk.order("#1001")
    assert paid
    assert (paid.status, paid.paid_by) == ("paid", "a1")
