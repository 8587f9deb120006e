"""What the core finds Shopify by (entry point `shopify` of `harvester.hooks`). Light: commands import it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harvester.chain import AdapterContext
from harvester.chain.desk import Desk
from harvester.chain.hooks import Hook, HookPlugin
from harvester.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from aiohttp import web


def build(context: AdapterContext) -> Hook:
    """Read the settings and build the hook.

    Raises:
        ExceptionGroup: of ConfigurationError, one for each mistake.
    """
    from harvester_shopify.hook import ShopifyHook  # noqa: PLC0415 # brings aiohttp with it
    from harvester_shopify.settings import ShopifySettings  # noqa: PLC0415 # brings pydantic with it

    return ShopifyHook(ShopifySettings.load(context.environ))


def routes(hook: Hook, desk: Desk) -> "Sequence[web.RouteDef]":
    """Return the routes of a hook that `build` has built.

    Raises:
        ConfigurationError: SHOPIFY_TICKER names no currency that there is.
    """
    from harvester_shopify.hook import ShopifyHook  # noqa: PLC0415 # as above
    from harvester_shopify.routes import ShopifyRoutes  # noqa: PLC0415 # as above

    if not isinstance(hook, ShopifyHook):
        raise TypeError("this hook has no routes here")
    tickers = desk.tickers()
    ticker = hook.settings.shopify_ticker or tickers[0]
    if ticker not in tickers:
        raise ConfigurationError(f"SHOPIFY_TICKER: must be one of {', '.join(tickers)}")
    return ShopifyRoutes(hook.settings, desk, ticker).routes()


plugin: Final = HookPlugin(
    name="shopify",
    build=build,
    variables=frozenset(
        {
            "TPG_SHOPIFY_SHOP",
            "TPG_SHOPIFY_ADMIN_ACCESS_TOKEN",
            "TPG_SHOPIFY_API_VERSION",
            "TPG_SHOPIFY_HMAC_SECRET",
            "TPG_SHOPIFY_HMAC_CHECKS",
            "TPG_SHOPIFY_IP_WHITELIST",
            "TPG_SHOPIFY_PRICE_FIELD",
            "TPG_USE_X_FORWARDED_FOR",
            "TPG_USE_FORWARDED",
            "SHOPIFY_TICKER",
            "SHOPIFY_URL",
        }
    ),
    secrets=frozenset({"TPG_SHOPIFY_ADMIN_ACCESS_TOKEN", "TPG_SHOPIFY_HMAC_SECRET"}),
    routes=routes,
    openapi_path=Path(__file__).with_name("openapi.json"),
)
