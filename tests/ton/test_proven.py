"""`VERIFY=proofs` in the adapter: what is handed over is proven and says from what; a refusal costs only its server."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from harvester_ton import proving, tl
from harvester_ton import tvm as tvm_module
from harvester_ton.adapter import TonAdapter
from harvester_ton.boc import parse_boc_root
from harvester_ton.cell_building import cell_from_bits
from harvester_ton.cells import Cell
from harvester_ton.devnet.accounts import raw_address
from harvester_ton.devnet.boc import write_boc as write_devnet_boc
from harvester_ton.devnet.local import NANO, LocalTon
from harvester_ton.devnet.tvm import default_config
from harvester_ton.dictionaries import read_dictionary
from harvester_ton.dictionary_writing import write_references
from harvester_ton.jetton_data import owner_stack, read_wallet_address, read_wallet_data
from harvester_ton.jettons import method_id
from harvester_ton.metrics import TonMetrics
from harvester_ton.tvm import Contract, MethodFailed, TvmUnavailable, run_get_method
from harvester_ton.tvm_process import run_method_apart
from harvester_ton.verification import (
    Page,
    Position,
    Reason,
    Refused,
    verify_config,
    verify_libraries,
    verify_transactions,
)
from tests.ton.recorded import load
from tests.ton.verification.sessions import ORDINARY, exchanges, last_block
from tests.ton.watching import Notebook, build, environ, eventually, needs_chain, scanning

OUT_OF_GAS = -14
NO_ARGUMENTS = bytes.fromhex("b5ee9c72010101010005000006000000")


@pytest.fixture
async def ton() -> AsyncIterator[LocalTon]:
    """A chain with two servers that makes blocks when it is told to."""
    async with LocalTon(jettons={"USDX": 6}, lite_servers=2) as chain:
        yield chain


def checks(adapter: TonAdapter, result: str) -> float:
    """How many answers had this result."""
    value: float = adapter._metrics.proof_checks.labels(result)._value.get()
    return value


def asset(ton: LocalTon) -> str:
    """Asset id of the chain's jetton."""
    return f"jetton:{raw_address(ton.jetton('USDX').master)}"


def test_every_reason_is_counted_from_zero_on() -> None:
    registry = CollectorRegistry()
    TonMetrics(registry)
    shown = generate_latest(registry).decode()
    for result in ("ok", *Reason):
        assert f'harvester_ton_proof_checks_total{{result="{result}"}} 0.0' in shown


class TestOnAChain:
    """What needs blocks."""

    pytestmark = needs_chain

    async def test_a_batch_names_the_blocks_that_prove_it(self, ton: LocalTon) -> None:
        ledger = Notebook()
        async with scanning(ton, ledger) as adapter:
            await eventually(lambda: adapter.health().ready)
            await ton.pay(ton.wallet("merchant").address, 5)
            await ledger.until(1)
        (batch,) = (batch for batch in ledger.batches if batch.transfers)
        proof, height = json.loads(batch.proof or ""), ton.chain.head
        for name, block in (("masterchain_block", height.master.id), ("shard_block", height.shard.id)):
            assert proof[name] == {
                "workchain": block.workchain,
                "shard": "8000000000000000",
                "seqno": block.seqno,
                "root_hash": block.root_hash.hex(),
                "file_hash": block.file_hash.hex(),
            }

    async def test_without_proofs_a_batch_names_none(self, ton: LocalTon) -> None:
        ledger = Notebook()
        with capture_logs() as logs:
            async with scanning(ton, ledger, VERIFY="none") as adapter:
                await eventually(lambda: adapter.health().ready)
                await ton.pay(ton.wallet("merchant").address, 5)
                await ledger.until(1)
        assert [batch.proof for batch in ledger.batches] == [None] * len(ledger.batches)
        assert any("VERIFY=none" in line["event"] for line in logs)

    async def test_with_proofs_nothing_is_warned_of_and_every_answer_is_counted(self, ton: LocalTon) -> None:
        ledger = Notebook()
        with capture_logs() as logs:
            async with scanning(ton, ledger, ["USDX"]) as adapter:
                await eventually(lambda: adapter.health().ready)
                assert checks(adapter, "ok") > 3
        assert not [line for line in logs if line["log_level"] in ("warning", "critical")]

    async def test_a_refused_answer_is_counted_and_an_honest_server_keeps_payments_flowing(self, ton: LocalTon) -> None:
        ledger = Notebook()
        async with scanning(ton, ledger) as adapter:
            await eventually(lambda: len(adapter._pool.usable()) == 2 and adapter.health().ready)
            ton.servers[0].faults.tamper = forges_states
            adapter._pool.nodes[0].latency_secs = -1
            await ton.pay(ton.wallet("merchant").address, 5)
            assert await ledger.amounts(1) == [5]
            await eventually(lambda: checks(adapter, Reason.UNPROVEN) == 1)
            assert adapter._pool.nodes[0].fault is not None

    async def test_pages_that_are_too_large_are_asked_for_in_smaller_ones(
        self, ton: LocalTon, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verify, sizes = verify_transactions, list[int]()

        def too_large(account: tl.AccountAddress, start: Position, answer: bytes) -> Page:
            page = verify(account, start, answer)
            sizes.append(len(page.transactions))
            if len(page.transactions) > 1:
                raise Refused(Reason.TOO_LARGE, "too large")
            return page

        ledger = Notebook()
        await ton.pay(ton.wallet("merchant").address, 5, count=6)
        monkeypatch.setattr(proving, "verify_transactions", too_large)
        async with scanning(ton, ledger, START_LT="0") as adapter:
            assert await ledger.amounts(6) == [5] * 6
            assert all(node.fault is None for node in adapter._pool.nodes)
        assert sizes[:3] == [6, 4, 1]

    async def test_a_cursor_that_is_not_in_the_proven_history_holds_up_its_account_and_blames_no_server(
        self, ton: LocalTon
    ) -> None:
        ledger = Notebook()
        async with scanning(ton, ledger) as adapter:
            await eventually(lambda: adapter.health().ready)
            await ton.pay(ton.wallet("merchant").address, 5)
            await ledger.until(1)
        (account,) = ledger.cursors
        lt, _, _ = ledger.cursors[account].partition(":")
        ledger.cursors[account] = f"{lt}:{'ab' * 32}"
        await ton.pay(ton.wallet("merchant").address, 6)
        async with scanning(ton, ledger) as adapter:
            await eventually(lambda: "is not in the account's history" in "".join(adapter.health().reasons))
            assert checks(adapter, Reason.CONTRADICTION) >= 1
            assert all(node.fault is None for node in adapter._pool.nodes)
        assert len(ledger.transfers) == 1

    async def test_a_jetton_wallet_is_found_by_no_servers_word(self, ton: LocalTon) -> None:
        ledger, asked = Notebook(), list[bytes]()

        def note(query: bytes, answer: bytes) -> bytes:
            asked.append(query[:4])
            return answer

        for server in ton.servers:
            server.faults.tamper = note
        async with scanning(ton, ledger, ["USDX"]) as adapter:
            await eventually(lambda: adapter.health().ready)
            await ton.pay(ton.wallet("merchant").address, 5, "USDX")
            assert await ledger.amounts(1) == [5]
            assert (adapter._statuses[1].unverified, adapter.health().reasons) == (False, ())
        assert tl.RUN_SMC_METHOD not in asked
        assert tl.GET_CONFIG_ALL in asked

    async def test_a_counterfeit_master_is_refused_with_a_message_and_coins_go_on(self, ton: LocalTon) -> None:
        ledger, buyer = Notebook(), raw_address(ton.wallet("buyer").address)
        async with scanning(ton, ledger, JETTONS=f"BAD 9 {buyer}") as adapter:
            await eventually(lambda: any("is it the right contract" in each for each in adapter.health().reasons))
            await ton.pay(ton.wallet("merchant").address, 5)
            assert await ledger.amounts(1) == [5]

    async def test_without_a_tvm_two_servers_are_asked_and_the_account_is_marked(
        self, ton: LocalTon, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(proving, "run_method_apart", no_tvm)
        ledger = Notebook()
        with capture_logs() as logs:
            async with scanning(ton, ledger, ["USDX"]) as adapter:
                await eventually(lambda: adapter.health().ready)
                await ton.pay(ton.wallet("merchant").address, 5, "USDX")
                await ledger.until(1)
                (reason,) = adapter.health().reasons
                assert reason.startswith("USDX: its wallet is known by the word of lite servers alone")
                assert adapter._metrics.unverified.labels("USDX")._value.get() == 1
        assert len([line for line in logs if "cannot be proven here" in line["event"]]) == 1
        assert ledger.asset(asset(ton)) == [5]
        findings = await build(environ(ton, ["USDX"])).check()
        assert any("unverified" in finding.message for finding in findings)

    async def test_without_a_tvm_one_servers_word_is_not_enough(
        self, ton: LocalTon, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(proving, "run_method_apart", no_tvm)
        await ton.set_faults("refuse", server=1)
        async with scanning(ton, Notebook(), ["USDX"]) as adapter:
            await eventually(lambda: any("two lite servers must name" in each for each in adapter.health().reasons))

    async def test_the_check_says_where_trust_starts_and_how_far_it_reaches(self, ton: LocalTon) -> None:
        findings = await build(environ(ton)).check()
        (finding,) = (finding for finding in findings if finding.subject == "VERIFY")
        assert finding.ok
        assert "trust starts at block 1 (" in finding.message
        assert finding.message.endswith(f"proven up to {ton.seqno}")

    async def test_the_check_fails_where_servers_are_of_another_network(self, ton: LocalTon) -> None:
        async with LocalTon(jettons={}, seed=b"another network") as other:
            settings = environ(other) | {"LITE_SERVERS": environ(ton)["LITE_SERVERS"]}
            findings = await build(settings).check()
        (finding,) = (finding for finding in findings if finding.subject == "VERIFY")
        assert not finding.ok
        assert "another network" in finding.message


async def no_tvm(_contract: Contract, _number: int, _stack: bytes) -> tuple[int, bytes]:
    """A platform without an emulator."""
    raise TvmUnavailable("there is none")


def forges_states(query: bytes, answer: bytes) -> bytes:
    """Prove account states by another block than the one of their shard."""
    if query[:4] != tl.GET_ACCOUNT_STATE or answer[:4] != tl.ACCOUNT_STATE:
        return answer
    said = tl.read_account_state(answer)
    parts = said.shard_proof, said.shard_proof, said.state
    return answer[:164] + b"".join(map(tl.encode_bytes, parts))


class TestTvm:
    """Get-methods of recorded contracts, run here."""

    pytestmark = needs_chain

    def contract(self, name: str, **changes: object) -> Contract:
        """A recorded contract, under a config with the recorded version of the TVM."""
        entry = load("states.json")["accounts"][name]
        code, data = (parse_boc_root(base64.b64decode(entry[part])) for part in ("code_boc", "data_boc"))
        default = parse_boc_root(write_devnet_boc(default_config()))
        entries = {number: value.ref() for number, value in read_dictionary(default, 32, 100)}
        (exchange,) = exchanges("getConfigParams")
        config = write_references(entries | verify_config(last_block(ORDINARY), [8], exchange.answer), 32)
        contract = Contract(entry["address"], code, data, NANO, {}, config, 1_795_300_000)
        return replace(contract, **changes)  # type: ignore[arg-type] # a test names its fields

    def library(self) -> dict[bytes, Cell]:
        """The recorded library, as it is proven by its hash."""
        (exchange,) = exchanges("getLibraries")
        wanted = bytes.fromhex(load("states.json")["library"]["hash"])
        return verify_libraries([wanted], exchange.answer)

    def test_the_master_of_a_governed_jetton_names_the_recorded_wallet(self) -> None:
        accounts = load("states.json")["accounts"]
        stack = owner_stack(accounts["merchant"]["address"])
        exit_code, result = run_get_method(self.contract("minter"), method_id("get_wallet_address"), stack)
        assert exit_code in (0, 1)
        assert read_wallet_address(result) == accounts["merchant_jwallet"]["address"]

    def test_code_that_is_a_library_runs_with_the_library_and_not_without(self) -> None:
        contract = self.contract("merchant_jwallet", libraries=self.library())
        exit_code, result = run_get_method(contract, method_id("get_wallet_data"), NO_ARGUMENTS)
        data = read_wallet_data(result)
        accounts = load("states.json")["accounts"]
        assert (data.owner, data.master) == (accounts["merchant"]["address"], accounts["minter"]["address"])
        exit_code, _ = run_get_method(replace(contract, libraries={}), method_id("get_wallet_data"), NO_ARGUMENTS)
        assert exit_code not in (0, 1)

    def test_an_endless_method_ends_at_the_gas_limit(self) -> None:
        endless = cell_from_bits(0xFF0090EA, 32)  # SETCP 0; PUSHCONT {}; AGAIN
        exit_code, _ = run_get_method(self.contract("minter", code=endless), 97026, NO_ARGUMENTS)
        assert exit_code == OUT_OF_GAS

    async def test_arguments_that_cannot_be_read_are_told_apart_from_a_missing_emulator(self) -> None:
        with pytest.raises(MethodFailed):
            await run_method_apart(self.contract("minter"), 97026, b"nonsense")

    async def test_native_code_that_crashes_ends_its_own_process_only(self) -> None:
        with pytest.raises(TvmUnavailable, match="broke down"):
            await run_method_apart(self.contract("minter", config=cell_from_bits(0, 0)), 97026, NO_ARGUMENTS)

    async def test_a_method_apart_gives_what_it_gives_here(self) -> None:
        call = self.contract("minter"), method_id("get_jetton_data"), NO_ARGUMENTS
        assert await run_method_apart(*call) == run_get_method(*call)

    def test_without_the_library_there_is_no_tvm(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tvm_module.load_library.cache_clear()
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        with pytest.raises(TvmUnavailable):
            run_get_method(self.contract("minter"), 97026, NO_ARGUMENTS)
        tvm_module.load_library.cache_clear()
