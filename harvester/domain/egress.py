"""Where webhooks may go. An endpoint made over the API is somebody's word: it must not reach what only we can reach.

What is refused is what the IANA registries of special-purpose addresses keep for other uses than the public Internet,
and all that carries an IPv4 address inside an IPv6 one, because who unpacks it decides where it goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from harvester.domain.errors import InvalidInput

Network = IPv4Network | IPv6Network

MAX_URL_CHARACTERS: Final = 2048

_PUBLIC_V6: Final = IPv6Network("2000::/3")
_REFUSED: Final[Sequence[Network]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, where clouds serve their instances' credentials
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)


@dataclass(frozen=True, slots=True)
class EgressRules:
    """What the operator allows beside https to public addresses. A `local` endpoint is above these rules."""

    allow_http: bool = False
    networks: Sequence[Network] = ()
    """May be reached although they are not public."""

    def check_url(self, url: str, *, local: bool) -> str:
        """Return `url` if an endpoint may have it; whether its host's addresses are allowed shows when it is sent to.

        Raises:
            InvalidInput: it may not.
        """
        parts = _parse(url)
        if local:
            return url
        if not self.allows_scheme(parts.scheme):
            raise InvalidInput("url must begin with https:// (the operator's WEBHOOK_ALLOW_HTTP allows http://)")
        if (address := _literal(parts.hostname or "")) and not self.allows(address):
            raise InvalidInput("url must not name a private or special address (see WEBHOOK_ALLOW_NETWORKS)")
        return url

    def allows_scheme(self, scheme: str) -> bool:
        """Say whether an endpoint that is not local may be sent to in this way."""
        return scheme == "https" or (scheme == "http" and self.allow_http)

    def allows(self, address: IPv4Address | IPv6Address) -> bool:
        """Say whether an endpoint that is not local may be at `address`."""
        if any(address in network for network in self.networks):
            return True
        if isinstance(address, IPv6Address) and address not in _PUBLIC_V6:
            return False
        return not any(address in network for network in _REFUSED)


def _parse(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInput("url must be a URL such as https://shop.example/hook") from None
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_URL_CHARACTERS
    if not (plain and parts.scheme in {"http", "https"} and parts.hostname and port != 0 and not parts.fragment):
        raise InvalidInput(
            f"url must be an http or https URL with a host, in ASCII, of {MAX_URL_CHARACTERS} characters at most"
        )
    return parts


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None
