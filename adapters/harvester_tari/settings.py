"""Tari's settings: types, defaults, and what each may be. Fed with texts; reads no environment.

Names are those of the existing server. Where it took a default for a value that it did not understand, here the start
is refused. The network is that of the payment wallet: what is of another one could never pay to it.
"""

from typing import Annotated, ClassVar, Final

from pydantic import BeforeValidator, InstanceOf

from harvester.chain.settings import Flag, ProxiedSettings
from harvester.domain.errors import InvalidInput
from harvester_tari.address import Address, Network, parse_address

_NUMBER_PREFIXES: Final = {"id": "", "name": "#"}


def _wallet(text: str) -> Address:
    try:
        address = parse_address(text)
    except InvalidInput as error:
        raise ValueError(f"must be an address: {error}") from None
    if address.is_nobodys:
        raise ValueError("must be the address of a wallet: this one is nobody's")
    return address


def _order_id_field(text: str) -> str:
    if text not in _NUMBER_PREFIXES:
        raise ValueError("must be id or name")
    return text


class TariSettings(ProxiedSettings):
    """What the operator says of Tari."""

    missing: ClassVar = {
        "TPG_PAYMENT_WALLET_ADDRESS": "is not set; must be the Tari address of the wallet that is paid"
    }
    tpg_payment_wallet_address: Annotated[InstanceOf[Address], BeforeValidator(_wallet)]
    """The wallet that is paid."""
    tpg_disable_wallet_whitelist: Flag = False
    """Whether wallets may report from any IP address."""
    tpg_disable_memo_signature_check: Flag = False
    """Whether memos need no signature; see `order_reference`."""
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
