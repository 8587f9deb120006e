"""What a payer's wallet sends so that purchase metadata can be encrypted for it.

`wallet_version`, `public_key` (the wallet's, 32 bytes hex) and `cert` (100 bytes hex: `meta`, encryption public key
(32), signature of both by the wallet key (64)). Address, version and key belong together, so the signature is the
account owner's word.
"""

import re
from collections.abc import Mapping
from typing import Final

from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from harvester.chain import PayerKey
from harvester.domain.errors import InvalidInput
from harvester_ton.address import parse_address
from harvester_ton.wallet_address import wallet_address

_ROLE: Final = b"meta"
_KEY_BYTES: Final = 32
_SIGNED_BYTES: Final = len(_ROLE) + _KEY_BYTES
_CERT_BYTES: Final = _SIGNED_BYTES + 64


def read_payer_certificate(account: str, members: Mapping[str, object]) -> PayerKey:
    """The raw address of `account` (in any form) and the encryption key that its owner has certified.

    InvalidInput says what is wrong: nothing but a certificate that is right in every part has a result.
    """
    address = parse_address(account)
    public_key = _point("public_key", _hex("public_key", members, _KEY_BYTES))
    if wallet_address(_text("wallet_version", members), public_key) != address:
        raise InvalidInput(
            "the account must be that of wallet_version and public_key, in workchain 0 with the default subwallet"
        )
    cert = _hex("cert", members, _CERT_BYTES)
    signed, signature = cert[:_SIGNED_BYTES], cert[_SIGNED_BYTES:]
    if not signed.startswith(_ROLE):
        raise InvalidInput(f"cert must begin with the letters {_ROLE.decode()}")
    try:
        VerifyKey(public_key).verify(signed, signature)
    except BadSignatureError:
        raise InvalidInput("cert must be signed with the key of the wallet") from None
    return PayerKey(address, _point("the key in cert", signed[len(_ROLE) :]))


def _text(name: str, members: Mapping[str, object]) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be given, as a string")
    return value


def _hex(name: str, members: Mapping[str, object], size: int) -> bytes:
    text = _text(name, members)
    if not re.fullmatch(rf"[0-9a-fA-F]{{{2 * size}}}", text):
        raise InvalidInput(f"{name} must be {size} bytes in hex")
    return bytes.fromhex(text)


def _point(what: str, key: bytes) -> bytes:
    # Keys of a low order make a shared secret that anybody can compute; others that are not canonical have two forms.
    if not crypto_core_ed25519_is_valid_point(key):
        raise InvalidInput(f"{what} must be an Ed25519 public key: canonical, on the curve, of the main subgroup")
    return key
