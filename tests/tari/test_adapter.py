"""The adapter as the core sees it: found, built, and true to the parts of the contract that need no wallet."""

import sys
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from harvester.chain import Adapter, AdapterContext, load_plugins
from harvester.domain.errors import InvalidInput
from harvester_tari.adapter import TariAdapter
from harvester_tari.address import Address, Network
from tests.contract.suite import invoice_for
from tests.tari.builders import ADDRESS, DUAL_ADDRESS


def build(wallet: Address = ADDRESS, **environ: str) -> Adapter:
    """Build the adapter as the composition root does."""
    environ |= {"TPG_PAYMENT_WALLET_ADDRESS": str(wallet)}
    return load_plugins()["tari"].build(AdapterContext(lambda: datetime.now(UTC), CollectorRegistry(), environ))


def test_it_is_found_and_takes_xtr() -> None:
    adapter = build()
    assert isinstance(adapter, TariAdapter)
    (currency,) = adapter.currencies()
    assert (currency.ticker, currency.chain, currency.decimals) == ("XTR", "tari", 6)
    assert currency.max_amount == (1 << 63) - 1


def test_an_invoice_is_paid_to_the_whole_address_of_the_wallet() -> None:
    adapter = build(DUAL_ADDRESS)
    (currency,) = adapter.currencies()
    request = adapter.payment_request(invoice_for(adapter, currency))
    assert request.links == {"tari": f"tari://mainnet/transactions/send?tariAddress={DUAL_ADDRESS}&amount=1000"}


def test_an_address_means_its_payer_on_this_network() -> None:
    adapter = build()
    assert adapter.parse_address(DUAL_ADDRESS.to_emoji()) == str(ADDRESS)
    with pytest.raises(InvalidInput, match="igor"):
        adapter.parse_address(str(Address(Network.IGOR, 3, ADDRESS.spend_key)))


def test_without_its_extra_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "harvester_tari.plugin", raising=False)
    monkeypatch.setitem(sys.modules, "rbcl", None)
    assert "tari" not in load_plugins()


async def test_the_check_shows_the_wallet_and_its_network() -> None:
    (finding,) = await build().check()
    assert finding.ok
    assert finding.message == f"{ADDRESS} on mainnet"


async def test_the_check_shows_what_is_not_checked() -> None:
    findings = await build(TPG_DISABLE_WALLET_WHITELIST="1", TPG_DISABLE_MEMO_SIGNATURE_CHECK="1").check()
    assert [finding.subject for finding in findings[1:]] == [
        "TPG_DISABLE_WALLET_WHITELIST",
        "TPG_DISABLE_MEMO_SIGNATURE_CHECK",
    ]
