"""`harvester ton replay`: honest sessions are proven in full, tampered ones refused or proven to say the same."""

import copy
import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from harvester_ton import tl
from harvester_ton.devnet.boc import read_boc, write_boc
from harvester_ton.plugin import plugin
from harvester_ton.replay_command import replay, replay_command
from tests.ton.recorded import load
from tests.ton.verification.sessions import ORDINARY, SESSIONS, SIMPLEX

MERCHANT = load("states.json")["accounts"]["merchant"]["address"]
PROVABLE = {
    f"liteServer.get{what}"
    for what in (
        "BlockProof",
        "AccountState",
        "Transactions",
        "AllShardsInfo",
        "ConfigParams",
        "Libraries",
        "BlockHeader",
        "ShardBlockProof",
        "OneTransaction",
    )
}
HONEST = {name: replay(load(name), None) for name in SESSIONS}


def session(name: str) -> dict[str, Any]:
    """A recorded session that may be tampered with."""
    copied: dict[str, Any] = copy.deepcopy(load(name))
    return copied


def provable(name: str) -> list[int]:
    """The places of all answers that can be proven."""
    log = load(name)["log"]
    return [place for place, entry in enumerate(log) if entry["name"] in PROVABLE]


def refused_or_the_same(tampered: Any, name: str) -> None:
    """A tampered session may be refused, or prove exactly what the honest one does."""
    report = replay(tampered, None)
    json.dumps(report)
    assert report["refused"] or report["proven"] == HONEST[name]["proven"]


@pytest.mark.parametrize(
    ("name", "seqno", "accounts", "transactions"), [(ORDINARY, 376, 6, 117 + 19), (SIMPLEX, 275, 1, 25)]
)
def test_an_honest_session_is_proven_in_full(name: str, seqno: int, accounts: int, transactions: int) -> None:
    path = Path(__file__).parent / "data" / name
    result = CliRunner().invoke(replay_command, [str(path)])
    report = json.loads(result.stdout)
    assert (result.exit_code, report["refused"]) == (0, [])
    assert report["proven"]["masterchain_seqno"] == seqno
    assert len(report["proven"]["accounts"]) == accounts
    assert report["proven"]["transactions"] == transactions


def test_one_account_can_be_looked_at_alone() -> None:
    report = replay(load(ORDINARY), MERCHANT)
    assert (set(report["proven"]["accounts"]), report["proven"]["transactions"]) == ({MERCHANT}, 117)
    assert report["refused"] == []
    absent = replay(load(ORDINARY), "0:" + "12" * 32)["proven"]["accounts"]["0:" + "12" * 32]
    assert absent["status"] == "absent"
    (refused,) = replay(load(ORDINARY), "0:" + "34" * 32)["refused"]
    assert refused["reason"] == "not_shown"


@settings(max_examples=250)
@given(st.data())
def test_flipped_bits_in_provable_answers_are_refused_or_change_nothing(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(SESSIONS))
    tampered = session(name)
    entry = tampered["log"][data.draw(st.sampled_from(provable(name)))]
    answer = bytearray.fromhex(entry["response_hex"])
    for _ in range(data.draw(st.integers(1, 3))):
        answer[data.draw(st.integers(0, len(answer) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    entry["response_hex"] = answer.hex()
    refused_or_the_same(tampered, name)


@pytest.mark.parametrize("name", SESSIONS)
def test_a_flipped_byte_in_every_region_of_every_provable_answer_is_refused_or_changes_nothing(name: str) -> None:
    refusals = tries = 0
    for place in provable(name):
        tampered = session(name)
        answer = bytes.fromhex(tampered["log"][place]["response_hex"])
        for at in range(place % 7, len(answer), max(1, len(answer) // 12)):
            tampered["log"][place]["response_hex"] = (answer[:at] + bytes([answer[at] ^ 0x40]) + answer[at + 1 :]).hex()
            refused_or_the_same(tampered, name)
            refusals += bool(replay(tampered, None)["refused"])
            tries += 1
    assert refusals > tries * 0.8


def test_a_question_about_a_neighbour_of_an_absent_account_proves_that_it_is_absent_too() -> None:
    tampered = session("tl_log_tl0.json")
    entry = next(each for each in tampered["log"] if each["phase"] == "account_state_absent")
    entry["request_hex"] = entry["request_hex"].replace("12" * 32, "13" + "12" * 31)
    proven, honest = replay(tampered, None)["proven"], HONEST["tl_log_tl0.json"]["proven"]
    assert proven["accounts"]["0:13" + "12" * 31] == honest["accounts"]["0:" + "12" * 32]


@settings(max_examples=100)
@given(st.data())
def test_flipped_bits_in_questions_are_refused_or_change_nothing(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(SESSIONS))
    tampered = session(name)
    entry = data.draw(st.sampled_from(tampered["log"]))
    question = bytearray.fromhex(entry["request_hex"])
    question[data.draw(st.integers(0, len(question) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    entry["request_hex"] = question.hex()
    report = replay(tampered, None)
    assert report["refused"] or existing(report) == existing(HONEST[name])


def existing(report: dict[str, Any]) -> dict[str, Any]:
    """Return what is proven but for absent accounts: so are their neighbours, whom a changed question names."""
    accounts = report["proven"]["accounts"].items()
    return {
        **report["proven"],
        "accounts": {address: state for address, state in accounts if state["status"] != "absent"},
    }


@pytest.mark.parametrize("name", SESSIONS)
def test_no_answer_can_be_dropped_without_notice(name: str) -> None:
    for place in range(1, len(load(name)["log"]) - 1):
        tampered = session(name)
        del tampered["log"][place]
        assert {"n": place, "reason": "missing"}.items() <= replay(tampered, None)["refused"][0].items()


def left_out(name: str, place: int) -> dict[str, Any]:
    """Replay a session without one exchange, its numbers made to fit."""
    tampered = session(name)
    del tampered["log"][place]
    for number, entry in enumerate(tampered["log"]):
        entry["n"] = number
    return replay(tampered, None)


@pytest.mark.parametrize(("name", "place"), [(ORDINARY, 1), (ORDINARY, 12), (ORDINARY, 20), (SIMPLEX, 2), (SIMPLEX, 5)])
def test_what_others_hang_on_cannot_be_left_out_even_if_the_numbers_are_made_to_fit(name: str, place: int) -> None:
    assert {each["reason"] for each in left_out(name, place)["refused"]} == {"unproven"}


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("kind", ["getTransactions", "getAccountState", "getBlockProof"])
def test_swapped_answers_are_refused(name: str, kind: str) -> None:
    tampered = session(name)
    entries = [entry for entry in tampered["log"] if entry["name"] == f"liteServer.{kind}"]
    others = [entry for entry in tampered["log"] if entry["response_hex"] != entries[0]["response_hex"]]
    entries[0]["response_hex"], others[-1]["response_hex"] = others[-1]["response_hex"], entries[0]["response_hex"]
    assert replay(tampered, None)["refused"]


def test_a_page_that_starts_where_nothing_is_proven_is_refused_with_that_reason() -> None:
    tampered = session(ORDINARY)
    tampered["log"] = [entry for entry in tampered["log"] if entry["n"] not in (4, 10)]
    refused = [each for each in replay(tampered, None)["refused"] if each["name"] == "liteServer.getTransactions"]
    assert {each["reason"] for each in refused} == {"unproven"}
    assert "nothing proves" in refused[0]["message"]


def test_a_last_page_that_ends_too_early_is_refused() -> None:
    tampered = session(SIMPLEX)
    page = tl.read_transactions(bytes.fromhex(tampered["log"][-1]["response_hex"]))
    blocks = b"".join(block.to_bytes() for block in page.blocks[:5])
    boc = tl.encode_bytes(write_boc(read_boc(page.boc)[:5]))
    tampered["log"][-1]["response_hex"] = (tl.TRANSACTION_LIST + (5).to_bytes(4, "little") + blocks + boc).hex()
    (refused,) = replay(tampered, None)["refused"]
    assert (refused["n"], refused["reason"]) == (6, "incomplete")


def test_a_refusal_of_the_server_proves_nothing() -> None:
    tampered = session(SIMPLEX)
    tampered["log"][3]["response_hex"] = "48e1a9bb" + "8b020000" + "026e6f00"
    (refused,) = replay(tampered, None)["refused"]
    assert refused["n"] == 3
    assert "refused with code 651" in refused["message"]


WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 200), 1 << 200),
    st.floats(),
    st.text(max_size=20),
    st.just("00" * 40),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


@settings(max_examples=150)
@given(st.data())
def test_wrong_fields_anywhere_are_refused_or_change_nothing(data: st.DataObject) -> None:
    tampered: Any = session(SIMPLEX)
    place = data.draw(
        st.sampled_from(
            [
                (),
                ("config",),
                ("config", "validator"),
                ("config", "validator", "init_block"),
                *(("config", "validator", "init_block", key) for key in ("workchain", "shard", "seqno", "root_hash")),
                ("log",),
                *(("log", number) for number in (1, 2, 5)),
                *(("log", number, key) for number in (1, 2, 5) for key in load(SIMPLEX)["log"][2]),
            ]
        )
    )
    wrong = data.draw(WRONG)
    if not place:
        tampered = wrong
    else:
        where = tampered
        for key in place[:-1]:
            where = where[key]
        if data.draw(st.booleans()) or isinstance(where, list):
            where[place[-1]] = wrong
        else:
            del where[place[-1]]
    refused_or_the_same(tampered, SIMPLEX)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"log": [' + b"9" * 10_000 + b"}", b"nonsense"]
)
def test_what_is_no_json_is_a_usage_mistake_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "session.json"
    file.write_bytes(content)
    result = CliRunner().invoke(replay_command, [str(file)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [[], ["/no/such/file"], ["/"], ["--account", "UQ", "x"]])
def test_what_cannot_be_read_is_a_usage_mistake_in_one_line(arguments: list[str]) -> None:
    result = CliRunner().invoke(replay_command, arguments)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)


@pytest.mark.parametrize("content", ["[]", "{}", "7", "null", '{"config": {}, "log": []}', f'{{"n": {"9" * 10_000}}}'])
def test_json_that_is_no_session_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "session.json"
    file.write_text(content)
    result = CliRunner().invoke(replay_command, [str(file)])
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [each["reason"] for each in report["refused"]] == ["malformed"]
    assert report["proven"] == {"masterchain_seqno": None, "accounts": {}, "transactions": 0}


def test_the_command_is_mounted_and_quick() -> None:
    (group,) = (command for command in plugin.commands if command.name == "ton")
    started = time.perf_counter()
    assert CliRunner().invoke(group, ["replay", "--help"]).exit_code == 0
    replay(load(ORDINARY), None)
    assert time.perf_counter() - started < 10


def test_an_announcement_of_another_block_than_the_proven_one_is_refused() -> None:
    tampered = session(ORDINARY)
    honest = bytes.fromhex(tampered["log"][0]["response_hex"])
    seqno = HONEST[ORDINARY]["proven"]["masterchain_seqno"].to_bytes(4, "little")
    lie = honest[:16] + seqno + bytes(32) + honest[52:]
    tampered["log"][0]["response_hex"] = lie.hex()
    assert [entry["reason"] for entry in replay(tampered, None)["refused"]] == ["contradiction"]


def test_a_proof_of_another_block_transaction_or_shard_is_refused() -> None:
    for name, question_byte in (("getBlockHeader", 40), ("getShardBlockProof", 40), ("getOneTransaction", 90)):
        tampered = session(ORDINARY)
        entry = next(entry for entry in tampered["log"] if entry["name"] == f"liteServer.{name}")
        question = bytearray.fromhex(entry["request_hex"])
        question[question_byte] ^= 1
        entry["request_hex"] = question.hex()
        assert [refused["n"] for refused in replay(tampered, None)["refused"]] == [entry["n"]]
