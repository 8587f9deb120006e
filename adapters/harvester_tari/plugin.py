"""What the core finds Tari by (entry point `tari` of `harvester.adapters`). Light: it is imported by every command."""

from importlib.util import find_spec
from typing import Final

from harvester.chain import Adapter, AdapterContext, AdapterPlugin
from harvester_tari.commands import tari

if find_spec("rbcl") is None:  # so that nobody is offered commands that cannot work
    raise ModuleNotFoundError("the extra `tari` is not installed", name="rbcl")


def build(context: AdapterContext) -> Adapter:
    """Read the settings and build the adapter.

    Raises:
        ExceptionGroup: of ConfigurationError, one for each mistake.
    """
    from harvester_tari.adapter import TariAdapter  # noqa: PLC0415 # brings cryptography with it
    from harvester_tari.settings import TariSettings  # noqa: PLC0415 # brings pydantic with it

    return TariAdapter(TariSettings.load(context.environ))


plugin: Final = AdapterPlugin(
    name="tari",
    build=build,
    variables=frozenset(
        {
            "TPG_PAYMENT_WALLET_ADDRESS",
            "TPG_STRICT_MODE",
            "TPG_UNCLAIMED_ORDER_TIMEOUT",
            "TPG_UNPAID_ORDER_TIMEOUT",
            "TPG_DISABLE_WALLET_WHITELIST",
            "TPG_DISABLE_MEMO_SIGNATURE_CHECK",
            "TPG_SHOPIFY_ORDER_ID_FIELD",
        }
    ),
    commands=(tari,),
)
