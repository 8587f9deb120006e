"""What commands on invoices, payments and webhooks work with: the services, straight on the database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from importlib.metadata import version
from typing import Concatenate, ParamSpec

from harvester.chain import load_plugins
from harvester.clock import utc_now
from harvester.config.configuration import configure
from harvester.config.settings import Settings
from harvester.config.variables import Variables
from harvester.log import configure_logging
from harvester.metrics import Metrics
from harvester.outgoing import egress_rules, webhook_client
from harvester.services.accounts import Accounts
from harvester.services.chains import Chains
from harvester.services.endpoints import Endpoints
from harvester.services.invoicing import Invoicing
from harvester.services.outbox import Outbox
from harvester.services.payments import Payments
from harvester.services.rates import Rates
from harvester.services.tokens import Tokens
from harvester.services.wallets import Wallets
from harvester.startup import bring_to_version, migration_scopes, open_database
from harvester.storage.database import Database
from harvester.storage.signals import Signals

_Options = ParamSpec("_Options")


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one call."""

    database: Database
    chains: Chains
    invoicing: Invoicing
    outbox: Outbox
    payments: Payments
    endpoints: Endpoints
    rates: Rates
    tokens: Tokens
    accounts: Accounts
    wallets: Wallets


@asynccontextmanager
async def open_services() -> AsyncIterator[Services]:
    """Yield the services of this configuration. The database must be there, at the version of this program.

    Raises:
        ConfigurationError, or an ExceptionGroup of it.
        Unavailable: the database does not answer.
    """
    configuration = configure(Settings, Variables.of_process(), load_plugins(), utc_now)
    settings = configuration.settings
    configure_logging(settings.log_level, configuration.secrets)
    chains = Chains(configuration.adapters)
    release = version("harvester")
    async with open_database(settings) as database, webhook_client(settings, utc_now, release) as client:
        await bring_to_version(database, migration_scopes(configuration.plugins), apply=settings.postgres_uri is None)
        # The daemon finds what is new by polling: its hints are not worth a second connection here.
        signals = Signals(database)
        metrics = Metrics(configuration.registry, release)
        yield Services(
            database,
            chains,
            Invoicing(database, chains, utc_now, signals, metrics),
            Outbox(database, signals, utc_now),
            Payments(database, chains, utc_now, signals, metrics, tolerance_ppm=settings.underpayment_tolerance),
            Endpoints(database, signals, utc_now, client, egress_rules(settings)),
            Rates(database, chains, utc_now, settings.rate_valid_secs),
            Tokens(database, utc_now),
            Accounts(
                database, chains, utc_now, signals, metrics, settings.unpaid_order_hours, settings.strict_order_ids
            ),
            Wallets(database, chains, utc_now),
        )


def with_services(
    work: Callable[Concatenate[Services, _Options], Awaitable[None]],
) -> Callable[_Options, None]:
    """Make a coroutine function that wants the services a function that click can call."""

    @wraps(work)
    def call(*args: _Options.args, **options: _Options.kwargs) -> None:
        async def within() -> None:
            async with open_services() as services:
                await work(services, *args, **options)

        asyncio.run(within())

    return call
