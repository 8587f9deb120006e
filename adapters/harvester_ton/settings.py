"""TON's settings: types, defaults, and what each may be. Fed with texts; reads no environment.

A message begins with the variable's name and says what is allowed. It never repeats a value: KEY is a secret.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, ClassVar, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, InstanceOf, SecretBytes, ValidationInfo, field_validator

from harvester.chain.settings import PluginSettings
from harvester.domain.errors import InvalidInput
from harvester_ton.address import parse_address
from harvester_ton.network_config import NetworkConfig, NodeAddress, parse_node_address, read_network_config

DEFAULT_PREFIXES: Final[Mapping[str, str]] = {"universal": "ton://", "tonkeeper": "https://app.tonkeeper.com/"}
WORKCHAINS: Final = (0, -1)
"""The basechain and the masterchain: the ones that exist."""
MAX_LT: Final = (1 << 64) - 1
PROOFS: Final = "proofs"
NONE: Final = "none"

_TICKER: Final = re.compile(r"[^\s,\x00-\x1f\x7f]{1,32}")
_PREFIX: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[!-~]*")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Jetton:
    """A jetton that invoices can be made in."""

    ticker: str
    decimals: int
    master: str
    """Raw address of the jetton master."""


def _recipient(text: str) -> str:
    address = _address(text)
    if int(address.partition(":")[0]) not in WORKCHAINS:
        raise ValueError("must be an address in workchain 0 or -1")
    return address


def _address(text: str) -> str:
    try:
        return parse_address(text)
    except InvalidInput as error:
        raise ValueError(f"must be an address: {error}") from None


def _ticker(text: str) -> str:
    if not _TICKER.fullmatch(text):
        raise ValueError("a ticker must be 1 to 32 characters without spaces and commas")
    return text


def _list(text: str, read: Callable[[str], _T]) -> list[_T]:
    return [read(item.strip()) for item in text.split(",") if item.strip()]


def _lite_servers(text: str) -> tuple[NodeAddress, ...]:
    try:
        servers = tuple(_list(text, parse_node_address))
    except ValueError as error:
        raise ValueError(f"must be host:port:base64key, several separated by commas: {error}") from None
    if len({(server.host, server.port) for server in servers}) < len(servers) or not servers:
        raise ValueError("must be host:port:base64key, each server once, several separated by commas")
    return servers


def has_host(url: str) -> bool:
    """Return whether a URL can be read and names a host."""
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _network_config(text: str) -> str | NetworkConfig:
    if text.partition("://")[0] in ("http", "https"):
        if not has_host(text):
            raise ValueError("must be the path or the http(s) URL of a TON network config")
        return text
    try:
        return read_network_config(Path(text))
    except ValueError as error:
        raise ValueError(f"must be the path or the http(s) URL of a TON network config; the file {error}") from None


def _jettons(text: str) -> tuple[Jetton, ...]:
    return tuple(_list(text, _jetton))


def _jetton(text: str) -> Jetton:
    parts = text.split()
    if len(parts) != 3:
        raise ValueError("must be `ticker decimals address`, several separated by commas")
    ticker, decimals, master = parts
    if not (decimals.isascii() and decimals.isdigit() and len(decimals) <= 3 and int(decimals) <= 255):
        raise ValueError("decimals must be a whole number from 0 to 255")
    return Jetton(_ticker(ticker), int(decimals), _address(master))


def _prefixes(text: str) -> dict[str, str]:
    return dict(DEFAULT_PREFIXES) | dict(_list(text, _prefix))


def _prefix(text: str) -> tuple[str, str]:
    name, _, prefix = text.partition(" ")
    if not _PREFIX.fullmatch(prefix.strip()):
        raise ValueError(
            "must be `name prefix`, several separated by commas, a prefix being such as https://wallet.example/"
        )
    return name, prefix.strip()


def _key(text: str) -> SecretBytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise ValueError("must be 32 bytes in hex")
    return SecretBytes(bytes.fromhex(text))


def _verify(text: str) -> str:
    if text not in (PROOFS, NONE):
        raise ValueError("must be proofs or none")
    return text


def _start_lt(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= MAX_LT):
        raise ValueError("must be a logical time: a whole number from 0 to 2^64 - 1")
    return int(text)


def _external_ip(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError:
        raise ValueError("must be the public IPv4 address of the TON site's proxy") from None


Key = Annotated[SecretBytes, BeforeValidator(_key)]
"""The merchant's key, 32 bytes, written in hex."""
ExternalIp = Annotated[str, BeforeValidator(_external_ip)]


class TonSettings(PluginSettings):
    """What the operator says of TON."""

    missing: ClassVar = {"RECIPIENT": "is not set; must be the TON address of the wallet that is paid"}

    recipient: Annotated[str, BeforeValidator(_recipient)]
    """Raw address of the wallet that is paid."""
    lite_servers: Annotated[tuple[InstanceOf[NodeAddress], ...], BeforeValidator(_lite_servers)] = ()
    """Servers to use; empty: those of the network config."""
    network_config: Annotated[
        str | InstanceOf[NetworkConfig] | None, BeforeValidator(lambda text: text and _network_config(text))
    ] = Field(default=None, validate_default=True)
    """URL of a network config that is yet to be fetched, or what stands in one that is a file."""
    ton_ticker: Annotated[str, BeforeValidator(_ticker)] = "TON"
    """Name that the coin is shown by."""
    jettons: Annotated[tuple[InstanceOf[Jetton], ...], BeforeValidator(_jettons)] = ()
    """Jettons that are taken."""
    payment_prefixes: Annotated[Mapping[str, str], BeforeValidator(_prefixes)] = DEFAULT_PREFIXES
    """Name to prefix of the payment links."""
    key: Key | None = None
    """Seals purchase metadata, and makes the address of the merchant's site."""
    external_ip: ExternalIp | None = None
    """Where the site's proxy is reached; the daemon itself has no use for it."""
    verify: Annotated[str, BeforeValidator(_verify)] = Field(default=PROOFS, validate_default=True)
    """Whether everything is proven (`proofs`), or lite servers are believed (`none`)."""
    start_lt: Annotated[int | None, BeforeValidator(_start_lt)] = None
    """New accounts are read from this logical time on, if that is earlier than where they would start."""

    @field_validator("network_config")
    @classmethod
    def _some_servers(cls, config: object, info: ValidationInfo) -> object:
        if config is None and info.data.get("lite_servers") == ():
            raise ValueError("is not set, and neither is LITE_SERVERS; one of them must say which lite servers to use")
        return config

    @field_validator("verify")
    @classmethod
    def _something_to_trust(cls, verify: str, info: ValidationInfo) -> str:
        if verify == PROOFS and "network_config" in info.data:
            config = info.data["network_config"]
            if config is None:
                raise ValueError(
                    "proofs, the default, needs NETWORK_CONFIG too: it names the block that proofs start from, "
                    "LITE_SERVERS only whom to ask; or set VERIFY=none to believe these servers"
                )
            if isinstance(config, NetworkConfig) and config.anchor is None:
                raise ValueError(
                    "proofs, the default, needs a NETWORK_CONFIG with a block to trust (`validator.init_block` or "
                    "`validator.zero_state`); or set VERIFY=none to believe lite servers"
                )
        return verify

    @field_validator("jettons")
    @classmethod
    def _distinct(cls, jettons: tuple[Jetton, ...], info: ValidationInfo) -> tuple[Jetton, ...]:
        tickers = [jetton.ticker for jetton in jettons] + [info.data.get("ton_ticker", "")]
        if len(set(tickers)) < len(tickers):
            raise ValueError("each ticker must be given once, and none may be the coin's own (TON_TICKER)")
        if len({jetton.master for jetton in jettons}) < len(jettons):
            raise ValueError("each jetton master must be given once")
        return jettons
