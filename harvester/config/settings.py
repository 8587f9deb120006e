"""The core's settings: types, defaults, and the sentence that says what each may be.

A mistake is told in that sentence alone: what pydantic says of it could repeat the value, which may be a secret.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from harvester.config import forms, page_forms
from harvester.config.forms import ListenAddress, Role
from harvester.config.variables import Given, Variables
from harvester.domain.account import UNCLAIMED_LIFE, UNPAID_LIFE
from harvester.domain.egress import Network
from harvester.domain.errors import ConfigurationError

DEFAULT_CHAINS: Final = ("ton",)
ROLES_ALLOWED: Final = "api, watch and deliver, or some of them, separated by commas"
_LAST_RESORT: Final = Path("/var/lib")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting may be; ends the sentence "NAME: must be …"."""

    text: str


class LogLevel(StrEnum):
    """From everything to the worst."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


def _text(read: Callable[[str], object]) -> BeforeValidator:
    return BeforeValidator(read)


def _secret(check: Callable[[str], str]) -> BeforeValidator:
    return BeforeValidator(lambda text: SecretStr(check(text)))


class Settings(BaseSettings):
    """What every command needs."""

    model_config = SettingsConfigDict(frozen=True, validate_default=False, hide_input_in_errors=True)

    log_level: Annotated[LogLevel, _text(str.upper), Allowed("DEBUG, INFO, WARN or ERROR")] = LogLevel.INFO
    """Least level that is logged."""
    postgres_uri: Annotated[
        SecretStr | None,
        _secret(forms.postgres_uri),
        Allowed("postgresql://user:password@host:port/database?options (unset: the embedded PostgreSQL)"),
    ] = None
    """libpq URI of the database; unset: the embedded PostgreSQL in DATA_DIR."""
    data_dir: Annotated[Path, Allowed("the absolute path of a folder")]
    """Folder of the embedded database; default: `harvester` in the user's state directory."""
    chains: Annotated[
        tuple[str, ...], _text(forms.plugin_names), Allowed("names of installed adapters, separated by commas")
    ] = DEFAULT_CHAINS
    """Adapters that run."""
    hooks: Annotated[
        tuple[str, ...], _text(forms.plugin_names), Allowed("names of installed hooks, separated by commas")
    ] = ()
    """Hooks that events are handed to."""
    webhook_secret: Annotated[
        SecretStr | None,
        _secret(forms.webhook_secret),
        Allowed("whsec_ and 24 to 64 random bytes in base64, such as `echo whsec_$(openssl rand -base64 32)` prints"),
    ] = None
    """Signs what goes to WEBHOOK_ENDPOINT; during a rotation the new one, a comma, the old one; unset: not signed."""
    webhook_allow_http: Annotated[bool, _text(forms.on_off), Allowed("on or off")] = False
    """Whether endpoints made over the API may be plain http."""
    webhook_allow_networks: Annotated[
        tuple[Network, ...], _text(forms.networks), Allowed("IP networks such as 10.1.0.0/16, separated by commas")
    ] = ()
    """Networks in which endpoints made over the API may be although they are not public."""
    underpayment_tolerance: Annotated[
        int,
        _text(forms.percent_ppm),
        Allowed("percent of an invoice's amount that may be missing, from 0 to 50, such as 0.5"),
    ] = 0
    """How much of an invoice's amount may be missing, in millionths."""
    credit_unmatched: Annotated[bool, _text(forms.on_off), Allowed("on or off")] = False
    """Whether money that names no invoice is its sender's credit, and pays what customers of that address owe."""
    unclaimed_order_hours: Annotated[
        timedelta, _text(forms.hours), Allowed(f"a whole number of hours from 1 to {forms.MAX_DAYS * 24}")
    ] = UNCLAIMED_LIFE
    """How long an order waits for a payer to be tied to it."""
    unpaid_order_hours: Annotated[
        timedelta, _text(forms.hours), Allowed(f"a whole number of hours from 1 to {forms.MAX_DAYS * 24}")
    ] = UNPAID_LIFE
    """How long an order waits for money once a payer is tied to it."""
    strict_order_ids: Annotated[bool, _text(forms.on_off), Allowed("on or off")] = True
    """Whether people and payments name orders by their ids only, not by their second names."""
    keep_watching_days: Annotated[
        timedelta, _text(forms.days), Allowed(f"a whole number of days from 0 to {forms.MAX_DAYS}")
    ] = timedelta(days=30)
    """How long addresses and jettons that are no longer configured are watched after they were last needed."""
    rate_valid_secs: Annotated[
        timedelta, _text(forms.seconds), Allowed(f"a whole number of seconds from 1 to {forms.MAX_SECS}")
    ] = timedelta(hours=1)
    """How long a rate is valid if it is not said with it."""

    def __init__(self, given: Mapping[str, Given]) -> None:
        super().__init__(given=given)

    @classmethod
    def settings_customise_sources(cls, *_args: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read what `Variables` found and nothing else: it knows files, credentials and both names."""
        return (_GivenSource(cls, sources["init_settings"].init_kwargs["given"]),)

    @classmethod
    def load(cls, variables: Variables) -> Self:
        """Return the settings of this process.

        Raises:
            ExceptionGroup: of ConfigurationError, one for each mistake.
        """
        given, mistakes = variables.collect(name.upper() for name in cls.model_fields)
        given.setdefault("DATA_DIR", Given("DATA_DIR", str(_default_data_dir(variables))))
        try:
            settings = cls(given)
        except ValidationError as error:
            for detail in error.errors(include_input=False, include_context=False, include_url=False):
                name = str(detail["loc"][0]).upper()
                mistakes.setdefault(name, cls._mistake(name, given.get(name)))
        if mistakes:
            raise ExceptionGroup("settings", list(mistakes.values()))
        return settings

    @classmethod
    def _mistake(cls, name: str, given: Given | None) -> ConfigurationError:
        field = cls.model_fields[name.lower()]
        allowed = next(item.text for item in field.metadata if isinstance(item, Allowed))
        if given is None:
            return ConfigurationError(f"{name}: is not set; must be {allowed}")
        return ConfigurationError(f"{given.name}: must be {allowed}")

    def secrets(self) -> set[str]:
        """Return the texts that must never be shown."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        values = {field.get_secret_value() for field in fields if isinstance(field, SecretStr)}
        if self.webhook_secret:
            values |= {part.strip() for part in self.webhook_secret.get_secret_value().split(",")}
        password = urlsplit(self.postgres_uri.get_secret_value()).password if self.postgres_uri else None
        return values | ({password, unquote(password)} if password else set())


class DaemonSettings(Settings):
    """What `harvester run` needs besides."""

    token: Annotated[
        SecretStr, _secret(forms.token), Allowed("printable ASCII without spaces (the bearer token of the private API)")
    ]
    """Bearer token of the private API."""
    host: Annotated[str, _text(forms.bind_host), Allowed("an IP address or host name of this machine")] = "127.0.0.1"
    """Address that the API binds."""
    port: Annotated[int, _text(forms.port_number), Allowed("a whole number from 0 (any free port) to 65535")] = 8081
    """Port of the API."""
    metrics: Annotated[
        ListenAddress | None, _text(forms.listen_address), Allowed("host:port (IPv6 in brackets) or off")
    ] = ListenAddress("127.0.0.1", 9108)
    """Listener of `/metrics`."""
    site: Annotated[
        ListenAddress | None, _text(forms.listen_address), Allowed("host:port (IPv6 in brackets) or off")
    ] = None
    """Listener of the public routes alone, for the proxy of a TON site."""
    role: Annotated[frozenset[Role], _text(forms.roles), Allowed(ROLES_ALLOWED)] = frozenset(Role)
    """What this process does, of all on the same database."""
    domain: Annotated[
        str | None, _text(forms.domain), Allowed("a host name such as pay.example.com, without https://")
    ] = None
    """Public host name, for the manifest."""
    webhook_endpoint: Annotated[SecretStr | None, _secret(forms.web_url), Allowed("an http or https URL")] = None
    """Where events are sent; secret because such a URL often carries a key."""
    page_style: Annotated[
        str | None,
        _text(page_forms.style_sheet),
        Allowed(f"the path of a style sheet in UTF-8 of at most {page_forms.MAX_STYLE_BYTES} bytes"),
    ] = None
    """Style sheet that the payment page loads after its own: the text of the file that is named."""
    page_explorers: Annotated[
        tuple[tuple[str, str], ...],
        _text(page_forms.explorers),
        Allowed(f"`chain https://…{page_forms.HASH_PLACE}…`, separated by commas, each chain once"),
    ] = ()
    """Where the payment page links transactions to: chain, and address with the place of the hash."""
    public_rate: Annotated[
        int, _text(forms.rate), Allowed(f"requests per minute and address, from 1 to {forms.MAX_RATE}, or off")
    ] = 120
    """How many requests a minute an address may send to public routes; 0: any number."""
    trusted_proxies: Annotated[
        tuple[Network, ...], _text(forms.networks), Allowed("IP networks such as 10.1.0.0/16, separated by commas")
    ] = ()
    """Networks of proxies whose X-Forwarded-For or Forwarded says who their clients are."""
    migrate: Annotated[bool, _text(forms.on_off), Allowed("on or off")] = True
    """Whether the start applies missing migrations; the embedded database always gets them."""
    rate_source: Annotated[
        str | None, _text(forms.plugin_name), Allowed("the name of an installed source of rates")
    ] = None
    """Plug-in that is asked what assets cost."""
    rate_currencies: Annotated[
        tuple[str, ...],
        _text(forms.currencies),
        Allowed(f"codes such as USD, separated by commas, at most {forms.MAX_CURRENCIES}"),
    ] = ("USD", "EUR")
    """Currencies in which the source is asked, and whose rates are shown in metrics."""
    rate_interval_secs: Annotated[
        timedelta, _text(forms.seconds), Allowed(f"a whole number of seconds from 1 to {forms.MAX_SECS}")
    ] = timedelta(minutes=5)
    """How often the source is asked."""
    rate_max_jump: Annotated[
        int, _text(forms.jump_percent), Allowed(f"a whole number of percent from 1 to {forms.MAX_JUMP_PERCENT}")
    ] = 50
    """By how many percent a rate from the source may differ from the last one."""


class _GivenSource(PydanticBaseSettingsSource):
    """Hands pydantic the texts that `Variables` found."""

    def __init__(self, settings_cls: type[BaseSettings], given: Mapping[str, Given]) -> None:
        super().__init__(settings_cls)
        self._given = given

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - its signature
        given = self._given.get(field_name.upper())
        return (given.value if given else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        return {name.lower(): given.value for name, given in self._given.items()}


def _default_data_dir(variables: Variables) -> Path:
    if state_directory := variables.plain("STATE_DIRECTORY"):
        return Path(state_directory.partition(":")[0])  # systemd; the first, if the unit has several
    if state_home := variables.plain("XDG_STATE_HOME"):
        return Path(state_home) / "harvester"
    try:
        return Path.home() / ".local/state/harvester"
    except RuntimeError:  # an account that the machine does not know, as in a container
        return _LAST_RESORT / "harvester"
