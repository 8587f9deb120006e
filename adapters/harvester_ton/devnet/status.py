"""The chain described in JSON: what it has, and what truly happened on it."""

from __future__ import annotations

import base64
from typing import Any

from harvester_ton.devnet.accounts import Address, raw_address
from harvester_ton.devnet.addresses import friendly_address, parse_address
from harvester_ton.devnet.jettons import Jetton
from harvester_ton.devnet.local import LocalTon
from harvester_ton.devnet.server import LiteServer


def chain_status(ton: LocalTon, recipient: Address | str) -> dict[str, Any]:
    """Everything a program needs to find its way around; jetton wallets are those of `recipient`."""
    owner = parse_address(recipient)
    return {
        "seqno": ton.seqno,
        "time": int(ton.now()),
        "block_seconds": ton.block_seconds,
        "blocks_running": ton.blocks_running,
        "accounts": len(ton.chain.accounts),
        "recipient": _named(owner),
        "wallets": {
            name: {"version": wallet.version, "secret_key": bytes(wallet.key).hex(), **_named(wallet.address)}
            for name, wallet in ton.wallets.items()
        },
        "jettons": [_jetton(jetton, owner) for jetton in ton.jettons],
        "lite_servers": [_server(index, server) for index, server in enumerate(ton.servers)],
    }


def account_status(ton: LocalTon, address: Address | str) -> dict[str, Any]:
    """One account as it truly is: the chain's own books, not a lite server's answer."""
    parsed = parse_address(address)
    account = ton.account(parsed)
    lt, last_hash = account.last
    received = {"ton": str(account.received_nano)}
    for jetton in ton.jettons:
        received[f"jetton:{raw_address(jetton.master)}"] = str(ton.jetton_balance(jetton, parsed))
    return {
        **_named(parsed),
        "exists": account.exists,
        "active": account.code_and_data is not None,
        "balance_nano": str(account.balance_nano),
        "last_lt": str(lt),
        "last_hash": last_hash.hex(),
        "transaction_count": sum(1 for _ in account.history()),
        "received": received,
    }


def _named(address: Address) -> dict[str, str]:
    return {
        "address": raw_address(address),
        "bounceable": friendly_address(address, bounceable=True),
        "non_bounceable": friendly_address(address, bounceable=False),
    }


def _jetton(jetton: Jetton, owner: Address) -> dict[str, Any]:
    return {
        "ticker": jetton.ticker,
        "decimals": jetton.decimals,
        "master": raw_address(jetton.master),
        "recipient_wallet": raw_address(jetton.wallet_of(owner)),
    }


def _server(index: int, server: LiteServer) -> dict[str, Any]:
    return {
        "index": index,
        "host": server.host,
        "port": server.port,
        "key": base64.b64encode(server.public_key).decode(),
        "mode": server.faults.mode.value,
        "lag_blocks": server.faults.lag_blocks,
        "queries_answered": server.queries_answered,
    }
