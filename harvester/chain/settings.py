"""How plug-ins read their settings: from texts, with every mistake named by its variable, and no value repeated."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from harvester.chain.requests import FORWARDED, PROXY_HEADERS, X_FORWARDED_FOR
from harvester.domain.errors import ConfigurationError

_FLAGS: Final = {"1": True, "true": True, "0": False, "false": False}


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise ValueError("must be 1, true, 0 or false")
    return _FLAGS[text]


Flag = Annotated[bool, BeforeValidator(_flag)]
"""As users of the payment server that this program replaces have it set."""


class PluginSettings(BaseModel):
    """Settings that are read from texts, by the upper-case names of the fields. Validators raise ValueError."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)
    missing: ClassVar[Mapping[str, str]] = {}
    """What is said of variables that must be set, and are not; if nothing is, just that."""

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Return the settings that `environ` holds, by variable name.

        Raises:
            ExceptionGroup: of ConfigurationError, one for each mistake.
        """
        given = {name: environ[name.upper()] for name in cls.model_fields if name.upper() in environ}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            mistakes = [cls._mistake(detail) for detail in error.errors(include_input=False)]
            raise ExceptionGroup("settings", mistakes) from None

    @classmethod
    def _mistake(cls, detail: Mapping[str, Any]) -> ConfigurationError:
        name = str(detail["loc"][0]).upper()
        if detail["type"] == "missing":
            return ConfigurationError(f"{name}: {cls.missing.get(name, 'is not set')}")
        return ConfigurationError(f"{name}: {detail.get('ctx', {}).get('error', detail['msg'])}")


class ProxiedSettings(PluginSettings):
    """Settings of a plug-in that asks where requests come from (`Client.ip_address`)."""

    tpg_use_x_forwarded_for: Flag = False
    """Whether X-Forwarded-For says it; see `proxy_headers`."""
    tpg_use_forwarded: Flag = False
    """Whether Forwarded does."""

    @property
    def proxy_headers(self) -> frozenset[str]:
        """Which headers of trusted proxies say it: those that are switched on; if none is, both."""
        switches = {X_FORWARDED_FOR: self.tpg_use_x_forwarded_for, FORWARDED: self.tpg_use_forwarded}
        return frozenset(header for header, on in switches.items() if on) or PROXY_HEADERS
