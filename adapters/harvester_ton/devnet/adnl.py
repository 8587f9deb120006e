"""The server's side of ADNL over TCP: handshake, then encrypted and checksummed packets in both directions."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from typing import Any

from Cryptodome.Cipher import AES
from nacl.bindings import crypto_scalarmult
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from harvester_ton.devnet.validators import node_id_short

HANDSHAKE_SIZE = 256
_MAX_PACKET = 1 << 24


class AdnlError(ConnectionError):
    """The peer does not speak ADNL to this key."""


def _cipher(key: bytes, counter: bytes) -> Any:
    return AES.new(key, AES.MODE_CTR, initial_value=counter, nonce=b"")


class AdnlConnection:
    """An accepted connection: `receive` and `send` whole payloads."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: bytes) -> None:
        self._reader, self._writer = reader, writer
        # The client's names for the two halves: it decrypts with the first key, so we encrypt with it.
        self._encrypt = _cipher(session[:32], session[64:80]).encrypt
        self._decrypt = _cipher(session[32:64], session[80:96]).decrypt

    @classmethod
    async def accept(
        cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: SigningKey
    ) -> AdnlConnection:
        """Reads the handshake and confirms it with an empty packet. Raises `AdnlError` for a wrong key."""
        connection = cls(reader, writer, open_handshake(await reader.readexactly(HANDSHAKE_SIZE), key))
        connection.send(b"")
        return connection

    def send(self, payload: bytes) -> None:
        """Queues one packet for sending."""
        body = secrets.token_bytes(32) + payload
        body += hashlib.sha256(body).digest()
        self._writer.write(self._encrypt(len(body).to_bytes(4, "little") + body))

    async def receive(self) -> bytes:
        """The next payload. Raises `AdnlError` on a broken packet, `IncompleteReadError` at the end."""
        size = int.from_bytes(self._decrypt(await self._reader.readexactly(4)), "little")
        if not 64 <= size <= _MAX_PACKET:
            raise AdnlError(f"a packet of {size} bytes")
        body = self._decrypt(await self._reader.readexactly(size))
        if not hmac.compare_digest(hashlib.sha256(body[:-32]).digest(), body[-32:]):
            raise AdnlError("a packet with a wrong checksum")
        return bytes(body[32:-32])

    async def drain(self) -> None:
        await self._writer.drain()


def open_handshake(packet: bytes, key: SigningKey) -> bytes:
    """The 160 session bytes of a handshake for `key`."""
    key_id, client_key, checksum, sealed = packet[:32], packet[32:64], packet[64:96], packet[96:]
    if not hmac.compare_digest(key_id, node_id_short(bytes(key.verify_key))):
        raise AdnlError("the handshake is for another key")
    ours = bytes(key.to_curve25519_private_key())
    try:
        shared = crypto_scalarmult(ours, bytes(VerifyKey(client_key).to_curve25519_public_key()))
    except CryptoError as error:
        raise AdnlError("the client's key is no key") from error
    session: bytes = _cipher(shared[:16] + checksum[16:], checksum[:4] + shared[20:]).decrypt(sealed)
    if not hmac.compare_digest(hashlib.sha256(session).digest(), checksum):
        raise AdnlError("the handshake does not decrypt")
    return session
