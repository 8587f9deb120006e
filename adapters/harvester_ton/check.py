"""Trying the configuration against the real network, for `harvester check`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from harvester.chain import Finding
from harvester.domain.errors import ChainUnavailable
from harvester_ton import tl
from harvester_ton.address import format_address, split_address
from harvester_ton.jettons import JettonWallet, NotTheWallet
from harvester_ton.network_config import NodeAddress
from harvester_ton.node import NOT_TRIED, Node
from harvester_ton.pool import Pool
from harvester_ton.settings import Jetton, TonSettings
from harvester_ton.shard_state import AccountAt, read_account_at

CONNECT_SECS: Final = 8.0
MAX_LAG_BLOCKS: Final = 20
"""More than healthy public servers differ by, less than a minute of the quickest network."""


async def check(
    settings: TonSettings, pool: Pool, addresses: Callable[[], Awaitable[Sequence[NodeAddress]]]
) -> Sequence[Finding]:
    """Return what is right and wrong with TON's settings and servers; takes half a minute at most."""
    try:
        servers = await addresses()
    except ChainUnavailable as error:
        return [Finding(False, "NETWORK_CONFIG", str(error))]
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(pool.run(servers, at_once=len(servers)), name="ton lite servers")
        await _settle(pool)
        findings = [Finding(True, "VERIFY", "none: lite servers are believed without proof")]
        findings += [_check_node(node, pool) for node in pool.nodes]
        findings += await _check_accounts(settings, pool)
        serving.cancel()
    return findings


async def _settle(pool: Pool) -> None:
    """Wait until each server is usable or has failed, or long enough."""
    with suppress(TimeoutError):  # the findings say which are missing
        async with asyncio.timeout(CONNECT_SECS):
            while not pool.nodes or any(node.fault == NOT_TRIED for node in pool.nodes):
                await pool.changed()


def _check_node(node: Node, pool: Pool) -> Finding:
    subject = f"lite server {node.name}"
    if node.head is None:
        return Finding(False, subject, f"is not usable: {node.fault}")
    best = max(other.head.seqno for other in pool.usable() if other.head is not None)
    lag = best - node.head.seqno
    return Finding(lag <= MAX_LAG_BLOCKS, subject, f"has block {node.head.seqno}, {lag} behind the newest")


async def _check_accounts(settings: TonSettings, pool: Pool) -> Sequence[Finding]:
    if not pool.usable():
        return [Finding(False, "RECIPIENT", "cannot be looked at: no lite server is usable")]
    block = await pool.newer(0)
    checks = [_check_recipient(settings.recipient, pool, block)]
    checks += [_check_jetton(jetton, settings.recipient, pool, block) for jetton in settings.jettons]
    return await asyncio.gather(*checks)


async def _check_recipient(recipient: str, pool: Pool, block: tl.BlockId) -> Finding:
    subject = f"recipient {format_address(recipient, bounceable=False)}"
    try:
        at = await _look(recipient, pool, block)
    except ChainUnavailable as error:
        return Finding(False, subject, f"cannot be looked at: {error}")
    if not at.active:
        state = "has no transaction yet" if at.last_lt == 0 else "holds coins"
        return Finding(
            False, subject, f"is not initialised ({state}): make one transfer from it, so that nothing bounces"
        )
    return Finding(True, subject, "is initialised")


async def _check_jetton(jetton: Jetton, recipient: str, pool: Pool, block: tl.BlockId) -> Finding:
    subject = f"jetton {jetton.ticker}"
    wallet = JettonWallet(jetton, recipient, pool)
    try:
        address = await wallet.find(block)
        at = await _look(address, pool, block)
        await wallet.trust(address, block, at)
    except (ChainUnavailable, NotTheWallet) as error:
        return Finding(False, subject, str(error))
    if not at.active:
        return Finding(
            True, subject, f"the recipient's wallet {address} is not deployed yet: its first payment does that"
        )
    return Finding(
        True, subject, f"the recipient's wallet is {address}, and names the recipient and the jetton's master"
    )


async def _look(address: str, pool: Pool, block: tl.BlockId) -> AccountAt:
    account = tl.AccountAddress(*split_address(address))

    def read(answer: bytes) -> AccountAt:
        return read_account_at(tl.read_account_state(answer), block, account)

    return await pool.ask(tl.get_account_state(block, account), read, seqno=block.seqno)
