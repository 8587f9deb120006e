"""Finding the recipient's jetton wallets, and deciding whether they are what they seem.

The master names the wallet. Once something is deployed there, its own data must name the recipient and that master, and
the master is asked again. With `VERIFY=proofs` all of it is run here on proven code and data; with `VERIFY=none` two
lite servers are asked where there are two.
"""

from binascii import crc_hqx
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import structlog

from harvester.domain.errors import ChainUnavailable, HarvesterError
from harvester_ton import tl
from harvester_ton.address import split_address
from harvester_ton.cells import CellError
from harvester_ton.jetton_data import owner_stack, read_wallet_address, read_wallet_data
from harvester_ton.settings import Jetton
from harvester_ton.shard_state import AccountAt
from harvester_ton.source import Source

_SUCCESS: Final = (0, 1)
_NO_ARGUMENTS: Final = bytes.fromhex("b5ee9c72010101010005000006000000")
"""A stack of depth 0."""

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


class ContractUnfit(ChainUnavailable):
    """A contract does not do what a jetton's must; it may be deployed or repaired yet."""


class NotTheWallet(HarvesterError):
    """What was taken for the recipient's jetton wallet is not: it must be looked for again."""


def method_id(name: str) -> int:
    """Return the number that a get-method is called by."""
    return crc_hqx(name.encode(), 0) | 0x10000


class JettonWallet:
    """The recipient's wallet of one jetton."""

    def __init__(self, jetton: Jetton, recipient: str, source: Source) -> None:
        self._jetton = jetton
        self._recipient = recipient
        self._source = source
        self._proper: str | None = None

    async def find(self, block: tl.BlockId) -> str:
        """Return the raw address that the master names, which need not be deployed yet.

        Raises:
            ContractUnfit: the master names none, or lite servers disagree.
            LiteServerError: none answered.
        """
        stack = owner_stack(self._recipient)
        answers = set(await self._call(block, self._jetton.master, "get_wallet_address", stack, read_wallet_address))
        if len(answers) > 1:
            raise ContractUnfit("lite servers disagree about the address of the jetton wallet: one of them lies")
        return answers.pop()

    async def trust(self, address: str, block: tl.BlockId, at: AccountAt) -> None:
        """Check the wallet at `address` once it is deployed; before that nothing that comes there is a transfer.

        Raises:
            NotTheWallet: it is not the recipient's, or not of this jetton.
            ContractUnfit, LiteServerError: it cannot be told.
        """
        if self._proper == address or not at.active:
            return
        if await self.find(block) != address:
            raise NotTheWallet(f"the master now names another jetton wallet than {address}")
        for data in await self._call(block, address, "get_wallet_data", _NO_ARGUMENTS, read_wallet_data):
            if (data.owner, data.master) != (self._recipient, self._jetton.master):
                raise NotTheWallet(
                    f"the contract at {address} says it is the wallet of {data.owner} for jetton {data.master}: "
                    "a counterfeit, or a wrong address in JETTONS; what it reports is not believed"
                )
        self._proper = address
        _log.info("A jetton wallet is the recipient's", account=self._jetton.ticker, address=address)

    async def _call(
        self, block: tl.BlockId, address: str, method: str, stack: bytes, read: Callable[[bytes], _T]
    ) -> Sequence[_T]:
        """Return what a get-method gives; nonsense in it is the contract's fault."""
        account = tl.AccountAddress(*split_address(address))
        results = await self._source.run_method(block, account, method_id(method), stack)
        try:
            return [read(result.stack) for result in results if _succeeded(result, address, method)]
        except CellError as error:
            raise ContractUnfit(f"{method} of {address} gives no usable answer: {error}") from None


def _succeeded(result: tl.MethodResult, address: str, method: str) -> bool:
    if result.exit_code not in _SUCCESS:
        raise ContractUnfit(f"{method} of {address} fails with exit code {result.exit_code}: is it the right contract?")
    return True
