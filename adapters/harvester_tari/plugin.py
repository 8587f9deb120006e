"""What the core finds Tari by (entry point `tari` of `harvester.adapters`). Light: it is imported by every command."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harvester.chain import Adapter, AdapterContext, AdapterPlugin
from harvester.chain.desk import Desk
from harvester_tari.commands import tari
from harvester_tari.demo.command import dev

if TYPE_CHECKING:
    from aiohttp import web

if find_spec("rbcl") is None:  # so that nobody is offered commands that cannot work
    raise ModuleNotFoundError("the extra `tari` is not installed", name="rbcl")


def build(context: AdapterContext) -> Adapter:
    """Read the settings and build the adapter.

    Raises:
        ExceptionGroup: of ConfigurationError, one for each mistake.
    """
    from harvester_tari.adapter import TariAdapter  # noqa: PLC0415 # brings cryptography with it
    from harvester_tari.settings import TariSettings  # noqa: PLC0415 # brings pydantic with it

    return TariAdapter(TariSettings.load(context.environ), context)


def routes(adapter: Adapter, desk: Desk) -> "Sequence[web.RouteDef]":
    """Return the routes of an adapter that `build` has built."""
    from harvester_tari.adapter import TariAdapter  # noqa: PLC0415 # as above

    if not isinstance(adapter, TariAdapter):
        raise TypeError(f"{adapter.name} is not served here")
    return adapter.routes(desk)


plugin: Final = AdapterPlugin(
    name="tari",
    build=build,
    variables=frozenset(
        {
            "TPG_PAYMENT_WALLET_ADDRESS",
            "TPG_DISABLE_WALLET_WHITELIST",
            "TPG_DISABLE_MEMO_SIGNATURE_CHECK",
            "TPG_USE_X_FORWARDED_FOR",
            "TPG_USE_FORWARDED",
            "TPG_SHOPIFY_ORDER_ID_FIELD",
        }
    ),
    commands=(tari, dev),
    routes=routes,
    openapi_path=Path(__file__).with_name("openapi.json"),
)
