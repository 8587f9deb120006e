"""What the operator says of the merchant's key and site; the daemon's own settings are in `settings`."""

from typing import Annotated, ClassVar, Final
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from harvester.chain.settings import PluginSettings
from harvester_ton.settings import ExternalIp, Key, has_host

_ANY_HOST: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 # where a server listens, not where we do
"""A listener on all addresses is reached on the loopback interface."""


def _config_url(text: str) -> str:
    if text.partition("://")[0] not in ("http", "https") or not has_host(text):
        raise ValueError(
            "must be the http(s) URL of a TON network config here, which the proxy fetches itself: "
            "give --network-config-url if it is a file for the daemon"
        )
    return text


def _upstream(text: str) -> str:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or "@" in text or parts.netloc != text:
        raise ValueError("must be host:port (IPv6 in brackets), where the daemon serves the public routes alone")
    reached = _ANY_HOST.get(host) or (f"[{host}]" if ":" in host else host)
    return f"http://{reached}:{port}/"


class KeySettings(PluginSettings):
    """The merchant's key, where it is needed."""

    missing: ClassVar = {"KEY": "is not set; `harvester key generate FILE` makes one"}
    key: Key


class SiteSettings(KeySettings):
    """What the site's proxy needs to know."""

    missing: ClassVar = {
        **KeySettings.missing,
        "EXTERNAL_IP": "is not set; must be the public IPv4 address of the TON site's proxy",
        "NETWORK_CONFIG": "is not set; must be the http(s) URL of a TON network config",
        "SITE": "is not set; must be host:port, where the daemon serves the public routes alone",
    }
    external_ip: ExternalIp
    """Public IPv4 address."""
    network_config: Annotated[str, BeforeValidator(_config_url)]
    """URL of a network config."""
    site: Annotated[str, BeforeValidator(_upstream)]
    """URL of the daemon's listener for the site."""
