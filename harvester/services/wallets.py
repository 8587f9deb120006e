"""Hot wallets that may report payments, as the operator manages them."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from harvester.chain import Clock
from harvester.chain.desk import Wallet
from harvester.domain.errors import ActRefused, InvalidInput, NotFound
from harvester.services.chains import Chains
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

    async def add(self, chain: str, address: str, ip_address: str, nonce: int, actor: str) -> Wallet:
        """Let a wallet report from one IP address, with nonces greater than `nonce`; return it.

        Raises:
            InvalidInput: a value is not allowed.
            ActRefused: it may already; remove it first.
        """
        canonical = self.chains.parse_address(chain, address)
        if not 0 <= nonce <= _MAX_NONCE:
            raise InvalidInput(f"the nonce must be 0 … {_MAX_NONCE}")
        try:
            host = str(ipaddress.ip_address(ip_address))
        except ValueError:
            raise InvalidInput("the host must be an IP address") from None
        async with self.database.transaction() as connection:
            if not await wallets.add(connection, chain, canonical, host, nonce, self.clock()):
                raise ActRefused("the wallet may report already")
        _log.warning("a wallet may report payments", chain=chain, address=canonical, ip_address=host, actor=actor)
        return Wallet(chain, canonical, host, nonce)

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
