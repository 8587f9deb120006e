"""Hot wallets that may report payments, as the operator manages them."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from harvester.chain import Clock
from harvester.chain.desk import Wallet
from harvester.domain.errors import ActRefused, InvalidInput, NotFound
from harvester.services.chains import Chains
from harvester.services.idempotency import Once, kept
from harvester.storage import wallets
from harvester.storage.database import Database

_MAX_NONCE = 2**63 - 1

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wallets:
    """Lists, adds and removes wallets. All methods may raise Unavailable, and InvalidInput for an unknown chain."""

    database: Database
    chains: Chains
    clock: Clock

    async def list(self, chain: str) -> Sequence[Wallet]:
        """Return the wallets of a chain by address; at most 1,000."""
        self.chains.check_chain(chain)
        async with self.database.connection() as connection:
            return await wallets.all_wallets(connection, chain)

    async def add(
        self, chain: str, address: str, ip_address: str, nonce: int, actor: str, once: Once[Wallet] | None = None
    ) -> Wallet:
        """Let a wallet report from one IP address, with nonces greater than `nonce`; return it.

        Raises:
            InvalidInput: a value is not allowed.
            ActRefused: it may already; remove it first.
        """
        canonical = self.chains.parse_address(chain, address)
        if not 0 <= nonce <= _MAX_NONCE:
            raise InvalidInput(f"the nonce must be 0 … {_MAX_NONCE}")
        wallet, now = Wallet(chain, canonical, _host(ip_address), nonce), self.clock()
        async with self.database.transaction() as connection:
            if not await wallets.add(connection, wallet, now):
                raise ActRefused("the wallet may report already: remove it first")
            await kept(once, connection, wallet, now)
        _log.warning(
            "a wallet may report payments", chain=chain, address=canonical, ip_address=wallet.ip_address, actor=actor
        )
        return wallet

    async def remove(self, chain: str, address: str, actor: str) -> None:
        """Let a wallet report no more.

        Raises:
            NotFound: it may not.
        """
        canonical = self.chains.parse_address(chain, address)
        async with self.database.transaction() as connection:
            if not await wallets.remove(connection, chain, canonical):
                raise NotFound("there is no such wallet")
        _log.warning("a wallet may report payments no more", chain=chain, address=canonical, actor=actor)


def _host(text: str) -> str:
    """Return the address as the API sees its peers: IPv4 as such, and no zone, which is this machine's own."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or "%" in text:
        raise InvalidInput("ip_address must be an IP address, without a zone and a port")
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
