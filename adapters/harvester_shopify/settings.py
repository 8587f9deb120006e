"""Shopify's settings: types, defaults, and what each may be. Fed with texts; reads no environment.

Names are those of the existing server. Where it took a default for a value that it did not understand, or a key that
everybody knows for one that was not set, here the start is refused.
"""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, ClassVar, Final, Self

from pydantic import AfterValidator, BeforeValidator, SecretStr
from yarl import URL

from harvester.chain.settings import Flag, ProxiedSettings
from harvester.domain.errors import ConfigurationError

_NO_LIST: Final = frozenset({"none", "false", "0"})
_PRICE_MEMBERS: Final = {
    "total": "total_price",
    "subtotal": "subtotal_price",
    "line_items": "total_line_items_price",
    "line": "total_line_items_price",
}
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+")
_VERSION: Final = re.compile(r"[0-9]{4}-[0-9]{2}|unstable")
_TOKEN: Final = re.compile(r"[!-~]{1,255}")
_PLACEHOLDER: Final = "dummy"

Network = IPv4Network | IPv6Network


def _networks(text: str) -> tuple[Network, ...] | None:
    if text.strip() in _NO_LIST:
        return None
    try:
        found = tuple(ip_network(item.strip()) for item in text.split(",") if item.strip())
    except ValueError:
        raise ValueError("must be IP addresses or networks, separated by commas, or none") from None
    if not found:
        raise ValueError("names no address, so nobody would be allowed; leave it out, or say none, to allow everybody")
    return found


def _price_member(text: str) -> str:
    if text not in _PRICE_MEMBERS:
        raise ValueError(f"must be one of {', '.join(_PRICE_MEMBERS)}")
    return _PRICE_MEMBERS[text]


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError("must be the shop's host name, such as example.myshopify.com")
    return text


def _version(text: str) -> str:
    if not _VERSION.fullmatch(text):
        raise ValueError("must be a version of the Admin API, such as 2024-04")
    return text


def _token(token: SecretStr) -> SecretStr:
    text = token.get_secret_value()
    if text == _PLACEHOLDER or not _TOKEN.fullmatch(text):
        raise ValueError("must be the Admin API access token of your app")
    return token


def _url(text: str) -> URL:
    url = URL(text)
    if url.scheme not in {"http", "https"} or not url.host or url.user or url.query_string or url.fragment:
        raise ValueError("must be an http or https URL without user, query and fragment")
    return url


class ShopifySettings(ProxiedSettings):
    """What the operator says of the shop."""

    missing: ClassVar = {
        "TPG_SHOPIFY_SHOP": "is not set; must be the shop's host name, such as example.myshopify.com",
        "TPG_SHOPIFY_ADMIN_ACCESS_TOKEN": "is not set; must be the Admin API access token of your app",
    }
    tpg_shopify_shop: Annotated[str, BeforeValidator(_host)]
    tpg_shopify_admin_access_token: Annotated[SecretStr, AfterValidator(_token)]
    tpg_shopify_api_version: Annotated[str, BeforeValidator(_version)] = "2024-04"
    tpg_shopify_hmac_secret: SecretStr = SecretStr("")
    """The key that the shop signs webhooks with."""
    tpg_shopify_hmac_checks: Flag = True
    tpg_shopify_ip_whitelist: Annotated[tuple[Network, ...] | None, BeforeValidator(_networks)] = None
    """Where webhooks may come from; None: from anywhere."""
    tpg_shopify_price_field: Annotated[str, BeforeValidator(_price_member)] = "total_price"
    """The member of an order that is its price."""
    shopify_ticker: str | None = None
    """The currency that orders are paid in; None: the first there is."""
    shopify_url: Annotated[URL | None, BeforeValidator(_url)] = None
    """Where the Admin API is instead of at the shop: for tests."""

    @property
    def admin_url(self) -> URL:
        """Where the Admin API is."""
        base = self.shopify_url or URL(f"https://{self.tpg_shopify_shop}")
        return base / "admin" / "api" / self.tpg_shopify_api_version

    def admits(self, address: str | None) -> bool:
        """Say whether a webhook may come from this IP address; None: it is not known where it comes from."""
        if self.tpg_shopify_ip_whitelist is None:
            return True
        return address is not None and any(ip_address(address) in each for each in self.tpg_shopify_ip_whitelist)

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """See `PluginSettings.load`; with these, somebody must keep strangers from placing orders."""
        settings = super().load(environ)
        if mistake := _unguarded(settings):
            raise ExceptionGroup("settings", [mistake])
        return settings


def _unguarded(settings: ShopifySettings) -> ConfigurationError | None:
    """Return what is wrong if anybody could place orders; None: nothing."""
    checks = settings.tpg_shopify_hmac_checks
    if checks and not settings.tpg_shopify_hmac_secret.get_secret_value().strip():
        return ConfigurationError("TPG_SHOPIFY_HMAC_SECRET: is not set; must be the key that webhooks are signed with")
    if not checks and settings.tpg_shopify_ip_whitelist is None:
        return ConfigurationError(
            "TPG_SHOPIFY_IP_WHITELIST: must say where webhooks may come from, as TPG_SHOPIFY_HMAC_CHECKS is off"
        )
    return None
