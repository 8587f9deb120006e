"""The last gate before a connection: the socket is made only if the very address it will connect to is allowed.

A check of the name, or of what it resolved to earlier, would leave room for another answer in between. Here nothing
lies between the check and the connection, whatever the form of the host: a name, an address, a number in disguise.
"""

import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from aiohttp.connector import AddrInfoType

from harvester.domain.egress import EgressRules


class AddressRefused(OSError):
    """The endpoint's address is private or special, and the operator has not allowed it."""


REFUSED: Final = "the address is private or special: refused (WEBHOOK_ALLOW_NETWORKS)"


def guarded_sockets(rules: EgressRules) -> Callable[[AddrInfoType], socket.socket]:
    """Return a socket factory for an aiohttp connector; it raises AddressRefused for what `rules` do not allow."""

    def make(address_info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = address_info
        if not rules.allows(ip_address(str(address[0]).partition("%")[0])):
            # All alike: a connector that tries several addresses hands out one error if their texts are the same.
            raise AddressRefused(REFUSED)
        return socket.socket(family, kind, protocol)

    return make
