"""Tari's settings: types, defaults, and what each may be. Fed with texts; reads no environment.

Names are those of the existing server. Where it took a default for a value that it did not understand, here the start
is refused. The network is that of the payment wallet: what is of another one could never pay to it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, InstanceOf, ValidationError

from harvester.chain.requests import FORWARDED, PROXY_HEADERS, X_FORWARDED_FOR
from harvester.domain.errors import ConfigurationError, InvalidInput
from harvester_tari.address import Address, Network, parse_address

_FLAGS: Final = {"1": True, "true": True, "0": False, "false": False}
_NUMBER_PREFIXES: Final = {"id": "", "name": "#"}
_MISSING: Final = {
    "TPG_PAYMENT_WALLET_ADDRESS": "is not set; must be the Tari address of the wallet that is paid",
}


def _wallet(text: str) -> Address:
    try:
        address = parse_address(text)
    except InvalidInput as error:
        raise ValueError(f"must be an address: {error}") from None
    if address.is_nobodys:
        raise ValueError("must be the address of a wallet: this one is nobody's")
    return address


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise ValueError("must be 1, true, 0 or false")
    return _FLAGS[text]


def _order_id_field(text: str) -> str:
    if text not in _NUMBER_PREFIXES:
        raise ValueError("must be id or name")
    return text


Flag = Annotated[bool, BeforeValidator(_flag)]


class TariSettings(BaseModel):
    """What the operator says of Tari."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    tpg_payment_wallet_address: Annotated[InstanceOf[Address], BeforeValidator(_wallet)]
    """The wallet that is paid."""
    tpg_disable_wallet_whitelist: Flag = False
    """Whether wallets may report from any IP address."""
    tpg_disable_memo_signature_check: Flag = False
    """Whether memos need no signature; see `order_reference`."""
    tpg_use_x_forwarded_for: Flag = False
    """Whether X-Forwarded-For says where a wallet is; see `proxy_headers`."""
    tpg_use_forwarded: Flag = False
    """Whether Forwarded does."""
    tpg_shopify_order_id_field: Annotated[str, BeforeValidator(_order_id_field)] = "id"
    """What a number in a memo is: the storefront's `id` of an order, or its `name`, which is # and the number."""

    @property
    def network(self) -> Network:
        """The only network whose addresses are taken."""
        return self.tpg_payment_wallet_address.network

    @property
    def number_prefix(self) -> str | None:
        """What `order_reference` is to put before numbers in memos; None: memos must be signed."""
        return _NUMBER_PREFIXES[self.tpg_shopify_order_id_field] if self.tpg_disable_memo_signature_check else None

    @property
    def proxy_headers(self) -> frozenset[str]:
        """Which headers of trusted proxies say where a wallet is: those that are switched on; if none is, both."""
        switches = {X_FORWARDED_FOR: self.tpg_use_x_forwarded_for, FORWARDED: self.tpg_use_forwarded}
        return frozenset(header for header, on in switches.items() if on) or PROXY_HEADERS

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Return the settings that `environ` holds, by variable name.

        Raises:
            ExceptionGroup: of ConfigurationError, one for each mistake.
        """
        try:
            return cls.model_validate(
                {name: environ[name.upper()] for name in cls.model_fields if name.upper() in environ}
            )
        except ValidationError as error:
            mistakes = [_mistake(str(detail["loc"][0]).upper(), detail) for detail in error.errors(include_input=False)]
            raise ExceptionGroup("settings of Tari", mistakes) from None


def _mistake(name: str, detail: Mapping[str, Any]) -> ConfigurationError:
    text = _MISSING.get(name, "is not set") if detail["type"] == "missing" else str(detail["ctx"]["error"])
    return ConfigurationError(f"{name}: {text}")
