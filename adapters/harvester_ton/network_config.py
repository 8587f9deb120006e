"""Which lite servers to use: addresses as operators write them, and TON's global network config as it is published."""

import asyncio
import base64
import binascii
import json
import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

from harvester.domain.errors import ChainUnavailable
from harvester_ton.verification import TrustedBlock, read_anchor

MAX_CONFIG_BYTES: Final = 1 << 20
FETCH_TIMEOUT_SECS: Final = 10
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[A-Za-z0-9:.%]+\]")


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where a lite server listens, and the key it must prove to have."""

    host: str
    port: int
    public_key: bytes
    """Ed25519, 32 bytes."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """What is used of a TON global config."""

    servers: tuple[NodeAddress, ...]
    anchor: TrustedBlock | None
    """The block to trust; None: it names none."""


def parse_node_address(text: str) -> NodeAddress:
    """Read `host:port:base64key`; ValueError says what is allowed. An IPv6 address is written in brackets."""
    head, _, key = text.rpartition(":")
    host, _, port = head.rpartition(":")
    if not _HOST.fullmatch(host):
        raise ValueError("must be host:port:base64key")
    return NodeAddress(host.strip("[]"), parse_port(port), parse_public_key(key))


def parse_port(text: str) -> int:
    """Read a TCP port; ValueError says what is allowed."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 1 << 16):
        raise ValueError("the port must be 1 to 65535")
    return int(text)


def parse_public_key(text: str) -> bytes:
    """Read an Ed25519 key in base64; ValueError says what is allowed."""
    from nacl.exceptions import CryptoError  # noqa: PLC0415 # the command line starts without it
    from nacl.signing import VerifyKey  # noqa: PLC0415

    try:
        key = base64.b64decode(text, validate=True)
        VerifyKey(key).to_curve25519_public_key()
    except (binascii.Error, ValueError, CryptoError):
        raise ValueError("the key must be an Ed25519 key, 32 bytes in base64") from None
    return key


def parse_network_config(text: str | bytes) -> NetworkConfig:
    """Read a global config (`ton-global.config`); ValueError says what is wrong with it."""
    try:
        config = json.loads(text)
        servers = tuple(dict.fromkeys(_parse_entry(entry) for entry in config["liteservers"]))
        anchor = read_anchor(text) if config.get("validator") is not None else None
    except (KeyError, TypeError):
        raise ValueError("is not a TON network config: each of `liteservers` needs ip, port and id.key") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not a TON network config: {error}") from None
    if not servers:
        raise ValueError("names no lite servers")
    return NetworkConfig(servers, anchor)


def _parse_entry(entry: dict[str, Any]) -> NodeAddress:
    host = str(IPv4Address(int(entry["ip"]) & 0xFFFFFFFF))  # written as a signed number of 32 bits
    return NodeAddress(host, parse_port(str(entry["port"])), parse_public_key(entry["id"]["key"]))


def read_network_config(path: Path) -> NetworkConfig:
    """Read a config file; ValueError says what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if len(data) > MAX_CONFIG_BYTES:
        raise ValueError(f"is larger than {MAX_CONFIG_BYTES} bytes")
    return parse_network_config(data)


async def fetch_network_config(url: str) -> NetworkConfig:
    """Read the config at an http(s) URL.

    Raises:
        ChainUnavailable: it cannot be fetched, or is no config.
    """
    import aiohttp  # noqa: PLC0415 # the command line starts without it

    try:
        timeout = aiohttp.ClientTimeout(total=FETCH_TIMEOUT_SECS)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            response.raise_for_status()
            data = await response.content.readexactly(MAX_CONFIG_BYTES + 1)
    except asyncio.IncompleteReadError as error:
        data = error.partial
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ChainUnavailable(f"the network config cannot be fetched: {type(error).__name__}") from None
    if len(data) > MAX_CONFIG_BYTES:
        raise ChainUnavailable(f"the network config is larger than {MAX_CONFIG_BYTES} bytes")
    try:
        return parse_network_config(data)
    except ValueError as error:
        raise ChainUnavailable(f"the network config {error}") from None
