"""Purchase metadata, sealed so that nobody but who paid can read it.

A certificate is proof enough: it does not matter whether the key or the payment comes first. A key whose account pays
nothing within an hour is dropped, and so are the oldest of too many: nobody fills the database for nothing.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from harvester.chain import Clock, Sealer
from harvester.domain.errors import InvalidInput, NotEnabled, NotFound
from harvester.domain.lifecycle import Status
from harvester.services.chains import Chains
from harvester.services.invoicing import get_invoice
from harvester.storage import payer_keys
from harvester.storage.database import Database

UNPAID_FOR: Final = timedelta(hours=1)
_NOT_SEALED: Final = "purchase metadata is not sealed here: the merchant has set no key"
_AT_ONCE: Final = 200
"""A bound on one transaction's work."""


class SealedMetadata:
    """All methods may raise Unavailable."""

    def __init__(
        self, database: Database, chains: Chains, clock: Clock, max_unpaid: int = payer_keys.MAX_UNPAID
    ) -> None:
        """`max_unpaid`: how many keys of accounts that have not paid are kept on each chain."""
        self._database = database
        self._chains = chains
        self._clock = clock
        self._max_unpaid = max_unpaid

    async def commit(self, account: str, members: Mapping[str, object]) -> None:
        """Take the key that the owner of `account` has certified with `members`, in the place of his last one.

        Raises:
            NotEnabled: no chain seals.
            InvalidInput: it is no certificate of this account.
        """
        chain, sealer = self._sealer_for(account)
        payer_key = sealer.payer_key(account, members)
        async with self._database.transaction() as connection:
            await payer_keys.put(connection, chain, payer_key, self._clock())
            await payer_keys.settle_too_many(connection, chain, _AT_ONCE, self._max_unpaid)

    async def sealed(self, invoice_id: UUID) -> bytes:
        """Return the metadata of an invoice, sealed for who has settled it.

        Raises:
            NotEnabled: its chain does not seal.
            NotFound: there is no such invoice, or who paid has committed no key.
            InvalidInput: it is not paid.
        """
        sealers = self._enabled()
        async with self._database.connection() as connection:
            invoice = await get_invoice(connection, invoice_id)
            if invoice.chain not in sealers:
                raise NotEnabled(_NOT_SEALED)
            if invoice.status is not Status.PAID or invoice.paid_by is None:
                raise InvalidInput("the invoice is not paid")
            key = await payer_keys.get(connection, invoice.chain, invoice.paid_by)
        if key is None:
            raise NotFound("the account that paid has committed no key")
        return sealers[invoice.chain].seal(invoice.metadata.encode(), key)

    async def drop_unpaid(self) -> bool:
        """Drop some of what has had its hour; return whether there may be more of it.

        Of each chain by what has been read of it: one that is behind may still bring the payment.
        """
        looked = [0]
        async with self._database.connection() as connection:
            for chain in self._chains.sealers():
                if read_until := await payer_keys.read_until(connection, chain):
                    before = min(read_until, self._clock()) - UNPAID_FOR
                    looked.append(await payer_keys.settle_before(connection, chain, before, _AT_ONCE))
        return max(looked) == _AT_ONCE

    def _enabled(self) -> Mapping[str, Sealer]:
        sealers = self._chains.sealers()
        if not sealers:
            raise NotEnabled(_NOT_SEALED)
        return sealers

    def _sealer_for(self, account: str) -> tuple[str, Sealer]:
        """Return the chain whose address `account` is, or any: its sealer says what is wrong."""
        sealers = self._enabled()
        for chain, sealer in sealers.items():
            with suppress(InvalidInput):
                self._chains.adapters[chain].parse_address(account)
                return chain, sealer
        return next(iter(sealers.items()))
