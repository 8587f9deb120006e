"""Who has a key: buyers who sign for orders, and the hot wallet that tells of payments."""

from dataclasses import dataclass, field
from itertools import count
from typing import Final

from harvester_tari.address import DEFAULT_FEATURES, Address, Network
from harvester_tari.claims import Claim
from harvester_tari.schnorr import SecretKey
from harvester_tari.wallet_messages import IncomingPayment, TxConfirmation, WalletMessage

NETWORK: Final = Network.LOCALNET


@dataclass(frozen=True)
class Owner:
    """Somebody with a key that is made for this run."""

    name: str
    key: SecretKey = field(default_factory=SecretKey.generate)

    @property
    def address(self) -> Address:
        """Where his coins are."""
        return Address(NETWORK, DEFAULT_FEATURES, self.key.public_key)

    def claim(self, order_id: str) -> dict[str, object]:
        """Return his signed claim of an order."""
        return Claim.sign(self.key, self.address, order_id).to_members()


@dataclass(frozen=True)
class HotWallet(Owner):
    """Whom payments are made to, and who tells of them."""

    nonces: "count[int]" = field(default_factory=lambda: count(1))

    def payment(self, sender: Owner, amount_micro: int, txid: str) -> dict[str, object]:
        """Return the signed message that a payment has come, which names no order."""
        content = IncomingPayment(sender.address, amount_micro, txid, None, None)
        return WalletMessage.sign(self.key, self.address, next(self.nonces), content).to_members()

    def confirmation(self, txid: str) -> dict[str, object]:
        """Return the signed message that it is final."""
        return WalletMessage.sign(self.key, self.address, next(self.nonces), TxConfirmation(txid)).to_members()
