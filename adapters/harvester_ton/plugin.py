"""What the core finds TON by (entry point `ton` of `harvester.adapters`). Light: it is imported by every command."""

from typing import Final

from harvester.chain import Adapter, AdapterContext, AdapterPlugin
from harvester_ton.commands import key, site, ton
from harvester_ton.devnet.demo_command import dev_command


def build(context: AdapterContext) -> Adapter:
    """Read the settings and build the adapter; nothing is connected yet.

    Raises:
        ExceptionGroup: of ConfigurationError, one for each mistake.
    """
    from harvester_ton.adapter import TonAdapter  # noqa: PLC0415 # brings cryptography with it
    from harvester_ton.settings import TonSettings  # noqa: PLC0415 # brings pydantic with it

    return TonAdapter(TonSettings.load(context.environ), context)


plugin: Final = AdapterPlugin(
    name="ton",
    build=build,
    variables=frozenset(
        {
            "RECIPIENT",
            "LITE_SERVERS",
            "NETWORK_CONFIG",
            "TON_TICKER",
            "JETTONS",
            "PAYMENT_PREFIXES",
            "KEY",
            "EXTERNAL_IP",
            "VERIFY",
            "START_LT",
        }
    ),
    commands=(ton, key, site, dev_command),
    secrets=frozenset({"KEY"}),
)
