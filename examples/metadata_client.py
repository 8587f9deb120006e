"""What a buyer's wallet does to show what was bought, and nobody else can: a reference client.

    python with_harvester.py python metadata_client.py          pays, then commits its key
    python with_harvester.py python metadata_client.py --commit-first

It makes an invoice as a shop would, makes a key, certifies it with the wallet's key, pays from a wallet of the local
chain, commits the key, fetches the sealed metadata, opens it, and prints it. The harvester needs KEY. Whichever comes
first, the payment or the key, does not matter.

It needs PyNaCl and cryptography, and nothing of the harvester's own code.
"""

import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from nacl.bindings import crypto_scalarmult
from nacl.signing import SigningKey, VerifyKey

SALT = b"EQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM9c"
PUBLIC = "/tonpay/public/api/v1"
WAIT_SECS = 60.0


def certificate(wallet_key: SigningKey, encryption_key: SigningKey) -> bytes:
    """100 bytes: `meta`, the public encryption key, and the wallet's signature of both."""
    signed = b"meta" + bytes(encryption_key.verify_key)
    return signed + bytes(wallet_key.sign(signed).signature)


def open_sealed(sealed: bytes, encryption_key: SigningKey) -> bytes:
    """Return the text that was sealed for `encryption_key`. Raises ValueError if it was not, or was changed."""
    mine, msg_key = bytes(encryption_key.verify_key), sealed[32:48]
    merchant_key = bytes(a ^ b for a, b in zip(sealed[:32], mine, strict=True))
    shared = crypto_scalarmult(
        bytes(encryption_key.to_curve25519_private_key()), bytes(VerifyKey(merchant_key).to_curve25519_public_key())
    )
    x = hmac.digest(shared, msg_key, "sha512")
    decryptor = Cipher(algorithms.AES256(x[:32]), modes.CBC(x[32:48])).decryptor()
    plain = decryptor.update(sealed[48:]) + decryptor.finalize()
    if not hmac.compare_digest(hmac.digest(SALT, plain, "sha512")[:16], msg_key) or not 16 <= plain[0] < 32:
        raise ValueError("this was not sealed for this key, or was changed")
    return plain[plain[0] :]


def commit(url: str, wallet: dict[str, str], encryption_key: SigningKey) -> None:
    """Tell the merchant which key is the wallet owner's. May be repeated; a later key replaces this one."""
    wallet_key = SigningKey(bytes.fromhex(wallet["secret_key"]))
    body = {
        "wallet_version": wallet["version"],
        "public_key": bytes(wallet_key.verify_key).hex(),
        "cert": certificate(wallet_key, encryption_key).hex(),
    }
    ask(f"{url}{PUBLIC}/keys/{wallet['address']}/commit", body)


def fetch(url: str, invoice_id: str) -> bytes:
    """Return the sealed metadata as soon as it is there: 400 is not paid yet, 404 is no key yet."""
    give_up_at = time.monotonic() + WAIT_SECS
    while True:
        try:
            return ask(f"{url}{PUBLIC}/invoices/{invoice_id}/metadata")
        except urllib.error.HTTPError as error:
            if error.code not in (400, 404) or time.monotonic() > give_up_at:
                raise
        time.sleep(0.1)


def ask(url: str, body: dict[str, Any] | None = None, token: str | None = None) -> bytes:
    """GET, or POST a JSON body."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return bytes(answer.read())


def main(arguments: list[str]) -> None:
    """Buy something, and see what was bought."""
    url, control = os.environ["HARVESTER_URL"], os.environ["CONTROL_URL"]
    goods = [{"name": "Latte 300ml"}, {"name": "Croissant"}]
    order = {
        "amount": "1500000000",
        "currency": "TON",
        "life_time": 600,
        "metadata": {"merchant_name": "Coffee shop", "mcc_code": 5814, "goods": goods},
    }
    invoice = json.loads(ask(f"{url}/tonpay/private/api/v1/invoice", order, os.environ["TOKEN"]))

    wallet = json.loads(ask(f"{control}/status"))["wallets"][os.environ.get("WALLET", "buyer")]
    encryption_key = SigningKey.generate()
    if "--commit-first" in arguments:
        commit(url, wallet, encryption_key)
    payment = {"from": os.environ.get("WALLET", "buyer"), "to": invoice["pay_to_address"]}
    ask(f"{control}/pay", {**payment, "amount": invoice["amount"], "payload": invoice["payload"]})
    if "--commit-first" not in arguments:
        commit(url, wallet, encryption_key)

    print(open_sealed(fetch(url, invoice["id"]), encryption_key).decode())


if __name__ == "__main__":
    main(sys.argv[1:])
