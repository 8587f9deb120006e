"""Payment links: what opens a wallet with everything filled in."""

from collections.abc import Mapping

from harvester_ton.address import format_address
from harvester_ton.payload import to_link_form


class PaymentLinks:
    """Makes the links of all invoices with one recipient and one asset; what they share is formatted once."""

    def __init__(self, prefixes: Mapping[str, str], recipient: str, jetton_master: str | None = None) -> None:
        """`prefixes`: name to link prefix, such as `ton://`; addresses in any form; no master means coins.

        Coins go to the non-bounceable form, so that a wallet not yet deployed keeps them; jettons to the bounceable.
        """
        self.address = address = format_address(recipient, bounceable=jetton_master is not None)
        jetton = f"jetton={format_address(jetton_master, bounceable=True)}&" if jetton_master else ""
        self._starts = {name: f"{prefix}transfer/{address}?{jetton}amount=" for name, prefix in prefixes.items()}

    def make(self, payload_base64: str, amount: int, expires_at: int) -> dict[str, str]:
        """Name to link. `amount` in base units, `expires_at` in Unix seconds, payload in standard base64."""
        end = f"{amount}&bin={to_link_form(payload_base64)}&exp={expires_at}"
        return {name: start + end for name, start in self._starts.items()}
