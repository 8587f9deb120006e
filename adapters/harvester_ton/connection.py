"""One encrypted TCP connection to a lite server (ADNL over TCP): bytes of a query in, bytes of its answer out.

The keys and the cipher are pytoniq-core's; the packet loop is our own, because pytoniq's polls every 20 ms, takes
frames of any size, and notices a dropped connection by an AttributeError. A connection is used until its first fault
and never again.
"""

import asyncio
import hashlib
import os
from typing import Any, Final, cast

from nacl.bindings import crypto_scalarmult
from pytoniq_core.crypto.ciphers import Client, Server, create_aes_ctr_cipher

from harvester_ton import tl
from harvester_ton.errors import NodeUnwell
from harvester_ton.network_config import NodeAddress

MAX_FRAME_BYTES: Final = 1 << 24
"""The protocol's own limit for a packet."""
_NONCE_BYTES: Final = 32
_CHECKSUM_BYTES: Final = 32


class Connection(asyncio.Protocol):
    """An open connection. Made by `connect`; `closed` is done when it has ended, for whatever reason."""

    def __init__(self, server_key: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._answers: dict[bytes, asyncio.Future[bytes]] = {}
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        secret = os.urandom(160)
        self._decrypt = create_aes_ctr_cipher(secret[0:32], secret[64:80]).decrypt
        self._encrypt = create_aes_ctr_cipher(secret[32:64], secret[80:96]).encrypt
        self._handshake = _handshake(server_key, secret)

    async def query(self, query: bytes, timeout_secs: float) -> bytes:
        """Send a lite server query and return its answer.

        Raises:
            NodeRefused: the node answered with an error.
            NodeUnwell: no answer within `timeout_secs`, or the connection is gone.
        """
        if self._transport is None or self.closed.done():
            raise NodeUnwell("the connection is closed")
        query_id = os.urandom(32)
        answer = self._answers[query_id] = asyncio.get_running_loop().create_future()
        self._send(tl.ADNL_QUERY + query_id + tl.encode_bytes(tl.LITE_QUERY + tl.encode_bytes(query)))
        try:
            async with asyncio.timeout(timeout_secs):
                data: bytes = await answer
        except TimeoutError:
            raise NodeUnwell(f"no answer within {timeout_secs:g} s") from None
        finally:
            self._answers.pop(query_id, None)
        tl.raise_refusal(data)
        return data

    def close(self) -> None:
        """Close at once; waiting queries fail."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's streams are one without inheriting from it
        self._transport.write(self._handshake)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail everything that still waits."""
        fault = NodeUnwell(f"the connection was closed ({exc})" if exc else "the connection was closed")
        waiting: list[asyncio.Future[Any]] = [self.ready, *self._answers.values()]
        for future in waiting:
            if not future.done():
                future.set_exception(fault)
                future.exception()  # seen: nobody may be waiting
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Cut the stream into packets; a broken one ends the connection."""
        self._buffer += self._decrypt(data)
        try:
            while (packet := self._next_packet()) is not None:
                self._receive(packet)
        except NodeUnwell:
            self.close()

    def _send(self, payload: bytes) -> None:
        body = os.urandom(_NONCE_BYTES) + payload
        packet = body + hashlib.sha256(body).digest()
        if self._transport is not None:
            self._transport.write(self._encrypt(len(packet).to_bytes(4, "little") + packet))

    def _next_packet(self) -> bytes | None:
        if len(self._buffer) < 4:
            return None
        size = int.from_bytes(self._buffer[:4], "little")
        if not _NONCE_BYTES + _CHECKSUM_BYTES <= size <= MAX_FRAME_BYTES:
            raise NodeUnwell(f"sent a packet of {size} bytes")
        if len(self._buffer) < 4 + size:
            return None
        body, checksum = bytes(self._buffer[4 : size - 28]), self._buffer[size - 28 : 4 + size]
        del self._buffer[: 4 + size]
        if hashlib.sha256(body).digest() != checksum:
            raise NodeUnwell("sent a packet with a wrong checksum")
        return body[_NONCE_BYTES:]

    def _receive(self, payload: bytes) -> None:
        if not self.ready.done():
            self.ready.set_result(None)
        if payload[:4] != tl.ADNL_ANSWER:
            return  # the empty packet that ends the handshake, or a pong
        reader = tl.Reader(payload)
        reader.expect(tl.ADNL_ANSWER)
        answer = self._answers.get(reader.take(32))
        if answer is not None and not answer.done():
            answer.set_result(reader.byte_string())


async def connect(address: NodeAddress, timeout_secs: float) -> Connection:
    """Open a connection; the caller closes it.

    Raises:
        NodeUnwell: the node cannot be reached, or does not prove that it has its key.
    """
    loop = asyncio.get_running_loop()
    connection = Connection(address.public_key)
    try:
        async with asyncio.timeout(timeout_secs):
            await loop.create_connection(lambda: connection, address.host, address.port)
            await connection.ready
    except TimeoutError:
        connection.close()
        raise NodeUnwell(f"no connection within {timeout_secs:g} s") from None
    except (OSError, ValueError) as error:  # ValueError: a host name that cannot be one
        raise NodeUnwell(f"cannot be reached: {getattr(error, 'strerror', None) or error}") from None
    except NodeUnwell:
        raise NodeUnwell("closed the connection at the handshake (is the key right?)") from None
    except BaseException:
        connection.close()
        raise
    return connection


def _handshake(server_key: bytes, secret: bytes) -> bytes:
    server, client = Server("", 0, server_key), Client(Client.generate_ed25519_private_key())
    # libsodium's: the library's own takes 10 ms in Python and is not constant in time
    shared = crypto_scalarmult(client.x25519_private.encode(), server.x25519_public.encode())
    checksum = hashlib.sha256(secret).digest()
    cipher = create_aes_ctr_cipher(shared[0:16] + checksum[16:32], checksum[0:4] + shared[20:32])
    packet: bytes = server.get_key_id() + client.ed25519_public.encode() + checksum + cipher.encrypt(secret)
    return packet
