"""Keys, addresses and messages for the tests of Tari, and strategies that draw them."""

from typing import Final

from hypothesis import strategies as st

from harvester_tari.address import Address, Network
from harvester_tari.ristretto import ORDER
from harvester_tari.schnorr import SecretKey
from harvester_tari.wallet_messages import IncomingPayment

MAINNET: Final = Network.MAINNET
KEY: Final = SecretKey.parse("c63b5b436d007bec0566bff2f3512f3f962a6d43161fe48616e8dad58fd2b80d")
"""Alice's, in the test data of the existing server."""
OTHER_KEY: Final = SecretKey.parse("6fd9d9a5836eaf71c396c9af1915fe990c4c396b0c6f57c19db968af9d9ffd04")
ADDRESS: Final = Address(MAINNET, 3, KEY.public_key)
OTHER_ADDRESS: Final = Address(MAINNET, 3, OTHER_KEY.public_key)
DUAL_ADDRESS: Final = Address(MAINNET, 3, KEY.public_key, OTHER_KEY.public_key)
NOBODYS: Final = Address(MAINNET, 3, bytes(32))

keys: Final = st.integers(1, ORDER - 1).map(lambda number: SecretKey(number.to_bytes(32, "little")))
addresses: Final = st.builds(
    lambda network, features, key, view: Address(network, features, key.public_key, view and view.public_key),
    st.sampled_from(Network),
    st.integers(0, 3),
    keys,
    st.none() | keys,
)
texts: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
order_ids: Final = texts.filter(lambda text: text != "" and text.isprintable())
txids: Final = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255)
amounts: Final = st.integers(1, (1 << 63) - 1)
nonces: Final = st.integers(-(1 << 63), (1 << 63) - 1)
payments: Final = st.builds(IncomingPayment, addresses, amounts, txids, st.none() | texts, st.none() | texts)


def paying(memo: str | None = None, order_id: str | None = None) -> IncomingPayment:
    """Return a payment of 2500 XTR."""
    return IncomingPayment(ADDRESS, 2_500_000_000, "payment001", memo, order_id)
