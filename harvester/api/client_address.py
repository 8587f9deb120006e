"""Whose request it is, behind any number of proxies: a pure function of what the connection and the headers say.

A header can be written by anybody. So the addresses are read from the right, where the nearest proxy has written, and
each is believed only if the one to the right of it, which wrote it, is a proxy that the operator trusts: the first that
is not is the client's. What cannot be read ends the way: the last proxy that is known counts as the client.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import islice
from typing import Final

from harvester.domain.egress import Network

Address = IPv4Address | IPv6Address

MAX_HOPS: Final = 32
"""More proxies than this are not looked through."""
_SITE_BITS: Final = 64
"""What one customer of a provider has of IPv6 is at least this large."""


def client_address(
    peer: str, x_forwarded_for: Sequence[str], forwarded: Sequence[str], trusted: Sequence[Network]
) -> Address | None:
    """Return the address of the client, or None if it is not known: the headers contradict each other, or not even the
    peer's can be read (a Unix socket has none).

    Args:
        peer: the address of who is connected, as the socket says it.
        x_forwarded_for: the values of all `X-Forwarded-For` headers, in order.
        forwarded: the values of all `Forwarded` headers (RFC 7239), in order.
        trusted: networks of proxies that are believed.

    A proxy writes one of the two headers and passes the other one on as the client has sent it. So if they lead to
    different addresses, none of them is believed; nor is it the peer, as which any client could pass in this way.
    """
    nearest = read_address(peer)
    if nearest is None or not _is_in(nearest, trusted):
        return nearest
    ways = set()
    if x_forwarded_for:
        ways.add(_follow(nearest, _from_right(x_forwarded_for), trusted))
    if forwarded:
        ways.add(_follow(nearest, _forwarded_for_from_right(forwarded), trusted))
    if len(ways) > 1:
        return None
    return ways.pop() if ways else nearest


def site(address: Address) -> Network:
    """Return what counts as one visitor: an IPv4 address, or a /64 of IPv6, all of which one machine may use."""
    return ip_network((address, _SITE_BITS if address.version == 6 else 32), strict=False)


def read_address(text: str) -> Address | None:
    """Return the address in `text`: bare, in brackets, with a port or a zone; None if it is none.

    An IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
    """
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _follow(nearest: Address, hops: Iterator[str], trusted: Sequence[Network]) -> Address:
    """Return the first of `hops`, from the right, that is not trusted, or the last that can be read."""
    at = nearest
    for hop in islice(hops, MAX_HOPS):
        before = read_address(hop)
        if before is None:
            break
        at = before
        if not _is_in(at, trusted):
            break
    return at


def _from_right(values: Sequence[str]) -> Iterator[str]:
    return reversed(",".join(values).split(","))


def _forwarded_for_from_right(values: Sequence[str]) -> Iterator[str]:
    # Commas and semicolons in quotes would stand for nothing that an address can have: such an element is unreadable.
    for element in _from_right(values):
        pairs = (pair.partition("=") for pair in element.split(";"))
        yield next((value.strip().strip('"') for name, _, value in pairs if name.strip().lower() == "for"), "")


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
