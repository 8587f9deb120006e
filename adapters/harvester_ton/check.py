"""Trying the configuration against the real network, for `harvester check`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from harvester.chain import Finding
from harvester.domain.errors import ChainUnavailable
from harvester_ton import tl
from harvester_ton.address import format_address, split_address
from harvester_ton.believing import BelievingSource
from harvester_ton.jettons import JettonWallet, NotTheWallet
from harvester_ton.metrics import TonMetrics
from harvester_ton.network_config import NetworkConfig
from harvester_ton.node import NOT_TRIED, Node
from harvester_ton.pool import Pool
from harvester_ton.proving import ProvingSource
from harvester_ton.settings import PROOFS, Jetton, TonSettings
from harvester_ton.shard_state import AccountAt
from harvester_ton.source import Source
from harvester_ton.trust import ChainOfTrust
from harvester_ton.verification import TrustedBlock

CONNECT_SECS: Final = 8.0
PROVE_SECS: Final = 12.0
"""The daemon takes as long as it takes; the check only looks whether it works."""
MAX_LAG_BLOCKS: Final = 20
"""More than healthy public servers differ by, less than a minute of the quickest network."""


async def check(
    settings: TonSettings, network: Callable[[], Awaitable[NetworkConfig]], metrics: TonMetrics
) -> Sequence[Finding]:
    """Return what is right and wrong with TON's settings and servers; takes half a minute at most.

    Blocks are proven from the network config on: what the daemon has stored is neither read nor changed.
    """
    try:
        config = await network()
    except ChainUnavailable as error:
        return [Finding(False, "NETWORK_CONFIG", str(error))]
    pool = Pool(metrics)
    trust = ChainOfTrust(pool, metrics)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(pool.run(config.servers, at_once=len(config.servers)), name="ton lite servers")]
        if settings.verify == PROOFS and config.anchor is not None:
            tasks.append(group.create_task(trust.run(config.anchor, None), name="ton chain of trust"))
        await _settle(pool)
        findings = [_check_node(node, pool) for node in pool.nodes]
        if settings.verify == PROOFS:
            findings += await _check_proven(settings, pool, trust, config.anchor, metrics)
        else:
            findings.insert(0, Finding(True, "VERIFY", "none: lite servers are believed without proof"))
            findings += await _check_accounts(settings, pool, BelievingSource(pool))
        for task in tasks:
            task.cancel()
    return findings


async def _check_proven(
    settings: TonSettings, pool: Pool, trust: ChainOfTrust, anchor: TrustedBlock | None, metrics: TonMetrics
) -> Sequence[Finding]:
    """Look whether the newest block can be proven, then at the accounts."""
    source = ProvingSource(pool, trust, metrics)
    if not pool.usable():
        return await _check_accounts(settings, pool, source)
    start = f"block {anchor.block.seqno} ({anchor.block.root_hash.hex()})" if anchor else "no block"
    try:
        async with asyncio.timeout(PROVE_SECS):
            block = await trust.newer(0)
    except TimeoutError:
        said, broken = trust.trouble or "no new block was proven", not (trust.trouble or "").startswith("proving")
        return [Finding(not broken, "VERIFY", f"proofs: trust starts at {start} of NETWORK_CONFIG; {said}")]
    except ChainUnavailable as error:
        return [Finding(False, "VERIFY", f"proofs: trust starts at {start} of NETWORK_CONFIG; {error}")]
    found = Finding(True, "VERIFY", f"proofs: trust starts at {start} of NETWORK_CONFIG; proven up to {block.seqno}")
    return [found, *await _check_accounts(settings, pool, source)]


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


async def _check_accounts(settings: TonSettings, pool: Pool, source: Source) -> Sequence[Finding]:
    if not pool.usable():
        return [Finding(False, "RECIPIENT", "cannot be looked at: no lite server is usable")]
    block, proves = await source.newer(0), settings.verify == PROOFS
    checks = [_check_recipient(settings.recipient, source, block)]
    checks += [_check_jetton(jetton, settings.recipient, source, block, proves) for jetton in settings.jettons]
    return await asyncio.gather(*checks)


async def _check_recipient(recipient: str, source: Source, block: tl.BlockId) -> Finding:
    subject = f"recipient {format_address(recipient, bounceable=False)}"
    try:
        at = await _look(recipient, source, block)
    except ChainUnavailable as error:
        return Finding(False, subject, f"cannot be looked at: {error}")
    if not at.active:
        state = "has no transaction yet" if at.last_lt == 0 else "holds coins"
        return Finding(
            False, subject, f"is not initialised ({state}): make one transfer from it, so that nothing bounces"
        )
    return Finding(True, subject, "is initialised")


async def _check_jetton(jetton: Jetton, recipient: str, source: Source, block: tl.BlockId, proves: bool) -> Finding:
    subject = f"jetton {jetton.ticker}"
    wallet = JettonWallet(jetton, recipient, source)
    try:
        address = await wallet.find(block)
        at = await _look(address, source, block)
        await wallet.trust(address, block, at)
    except (ChainUnavailable, NotTheWallet) as error:
        return Finding(False, subject, str(error))
    doubt = "; unverified: no TVM runs here, so lite servers were asked" if proves and not source.methods_proven else ""
    if not at.active:
        message = f"the recipient's wallet {address} is not deployed yet: its first payment does that"
    else:
        message = f"the recipient's wallet is {address}, and names the recipient and the jetton's master"
    return Finding(True, subject, message + doubt)


async def _look(address: str, source: Source, block: tl.BlockId) -> AccountAt:
    return await source.account_at(block, tl.AccountAddress(*split_address(address)), None)
