"""The forms that settings may have: each function returns the value, or raises ValueError."""

import re
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_network
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from harvester.domain.egress import Network
from harvester.domain.errors import InvalidInput
from harvester.domain.invoice import MAX_TOLERANCE_PPM
from harvester.domain.rates import parse_currency
from harvester.webhooks.signing import Secret

_BIND_HOST: Final = re.compile(r"[A-Za-z0-9.:%_-]{1,253}")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?")
_POSTGRES_HOST: Final = re.compile(r"([^\[\]:]*|\[[0-9A-Fa-f:.%]+\])(:[0-9]{1,5})?")
_PLUGIN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CHAIN_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_PERCENT: Final = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,4}))?")
MAX_RATE: Final = 100_000
MAX_PORT: Final = 65535
MAX_SECRETS: Final = 2
MAX_DAYS: Final = 3650
MAX_SECS: Final = 366 * 86_400
MAX_JUMP_PERCENT: Final = 1000
MAX_CURRENCIES: Final = 20


class Role(StrEnum):
    """What a process does."""

    API = "api"
    WATCH = "watch"
    DELIVER = "deliver"


class ListenAddress(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def plugin_names(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of names of adapters or hooks; a repeated one counts once."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    _must(bool(names) and all(_CHAIN_NAME.fullmatch(name) for name in names))
    return names


def roles(text: str) -> frozenset[Role]:
    """Read a comma-separated list of roles."""
    names = [name.strip() for name in text.lower().split(",") if name.strip()]
    _must(bool(names))
    return frozenset(map(Role, names))


def postgres_uri(text: str) -> str:
    """Check a libpq URI, which may name several hosts; its options are the driver's to judge."""
    parts = urlsplit(text)
    hosts = parts.netloc.rpartition("@")[2].split(",")
    _must(parts.scheme in {"postgres", "postgresql"} and "://" in text and _is_one_word(text))
    _must(all(_POSTGRES_HOST.fullmatch(host) for host in hosts))
    return text


def web_url(text: str) -> str:
    """Check an http or https URL with a host."""
    parts = urlsplit(text)
    _must(parts.scheme in {"http", "https"} and _is_one_word(text) and bool(parts.hostname))
    _must(parts.port != 0)  # reading it raises ValueError if it is no port
    return text


def token(text: str) -> str:
    """Check what a header can carry as one word: printable ASCII without spaces."""
    _must(text.isascii() and _is_one_word(text))
    return text


def webhook_secret(text: str) -> str:
    """Check signing secrets as Standard Webhooks writes them: one, or the new and the old one during a rotation."""
    secrets = text.split(",")
    _must(len(secrets) <= MAX_SECRETS)
    try:
        for secret in secrets:
            Secret(secret.strip())
    except InvalidInput as error:
        raise ValueError("not of this form") from error
    return text


def networks(text: str) -> tuple[Network, ...]:
    """Read a comma-separated list of IP networks or addresses."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def bind_host(text: str) -> str:
    """Check an IP address or host name, without knowing whether this machine has it."""
    _must(_BIND_HOST.fullmatch(text) is not None)
    return text


def listen_address(text: str) -> ListenAddress | None:
    """Read `host:port` (IPv6 in brackets); None for `off`."""
    if text.lower() == "off":
        return None
    host, _, port = text.rpartition(":")
    _must(port.isascii() and port.isdecimal() and int(port) <= MAX_PORT)
    _must(":" not in host or (host.startswith("[") and host.endswith("]")))
    return ListenAddress(bind_host(host.removeprefix("[").removesuffix("]")), int(port))


def domain(text: str) -> str:
    """Check a public host name, with a port if it needs one."""
    _must(_DOMAIN.fullmatch(text) is not None)
    return text


def on_off(text: str) -> bool:
    """Read a switch."""
    word = text.lower()
    _must(word in {"on", "true", "yes", "1", "off", "false", "no", "0"})
    return word in {"on", "true", "yes", "1"}


def percent_ppm(text: str) -> int:
    """Read a share in percent, with at most four decimals, as millionths: from 0 to half."""
    found = _PERCENT.fullmatch(text)
    _must(found is not None)
    whole, decimals = found.groups(default="") if found else ("", "")
    ppm = int(whole) * 10_000 + int(decimals.ljust(4, "0"))
    _must(ppm <= MAX_TOLERANCE_PPM)
    return ppm


def days(text: str) -> timedelta:
    """Read a number of days, at most ten years."""
    return timedelta(days=_whole_number(text, 0, MAX_DAYS))


def hours(text: str) -> timedelta:
    """Read a number of hours, from one hour to ten years."""
    return timedelta(hours=_whole_number(text, 1, MAX_DAYS * 24))


def seconds(text: str) -> timedelta:
    """Read a number of seconds, from one second to a year."""
    return timedelta(seconds=_whole_number(text, 1, MAX_SECS))


def jump_percent(text: str) -> int:
    """Read by how many percent a rate may change at once."""
    return _whole_number(text, 1, MAX_JUMP_PERCENT)


def currencies(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of codes of currencies, in any case; a repeated one counts once."""
    try:
        codes = tuple(dict.fromkeys(parse_currency(code.strip()) for code in text.split(",") if code.strip()))
    except InvalidInput as error:
        raise ValueError("not of this form") from error
    _must(0 < len(codes) <= MAX_CURRENCIES)
    return codes


def plugin_name(text: str) -> str:
    """Check what a plug-in may be called."""
    _must(_PLUGIN_NAME.fullmatch(text) is not None)
    return text


def rate(text: str) -> int:
    """Read a number of requests per minute; 0 for `off`."""
    return 0 if text.lower() == "off" else _whole_number(text, 1, MAX_RATE)


def port_number(text: str) -> int:
    """Read a TCP port; 0 is any free one."""
    _must(text.isascii() and text.isdecimal() and int(text) <= MAX_PORT)
    return int(text)


def _whole_number(text: str, lowest: int, highest: int) -> int:
    _must(text.isascii() and text.isdecimal() and len(text) <= len(str(highest)))
    _must(lowest <= int(text) <= highest)
    return int(text)


def _is_one_word(text: str) -> bool:
    return text.isprintable() and " " not in text


def _must(condition: bool) -> None:
    if not condition:
        raise ValueError("not of this form")
