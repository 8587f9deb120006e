"""`harvester ton decode`: one JSON object for any transaction, one line for any mistake."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from harvester_ton.address import format_address
from harvester_ton.boc_writing import write_boc
from harvester_ton.cell_building import build_cell, cell_from_bits
from harvester_ton.decode_command import decode_command
from tests.ton.builders import ACCOUNT, OWNER, PAYER, Phases, payment, text_body
from tests.ton.recorded import vectors


def run(*args: str, stdin: str | bytes | None = None) -> Result:
    """Run the command."""
    return CliRunner().invoke(decode_command, args, input=stdin)


def shown(*args: str, stdin: str | None = None) -> dict[str, Any]:
    """The JSON that the command prints, and nothing besides."""
    result = run(*args, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, "")
    found: dict[str, Any] = json.loads(result.stdout)
    assert set(found) == {"transfers", "reason"}
    return found


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_each_vector_shows_its_payments(vector: dict[str, Any]) -> None:
    args = ["--account", vector["account"], vector["transaction_boc_hex"]]
    if "recipient" in vector:
        args += ["--recipient", vector["recipient"], "--jetton-master", vector["jetton_master"]]
    found = shown(*args)
    referenced = [transfer for transfer in found["transfers"] if transfer["invoice_id"]]
    assert [{key: t[key] for key in t if key != "text"} for t in referenced] == vector["payments"]
    assert (found["reason"] is None) == bool(referenced)
    assert all(set(t) == {"asset", "amount", "payer", "invoice_id", "text"} for t in found["transfers"])


PAID = write_boc(payment(text_body("merci ✓"))).hex()


def test_an_unmatched_transfer_shows_its_text_and_the_reason() -> None:
    assert shown("--account", ACCOUNT, PAID) == {
        "transfers": [{"asset": "ton", "amount": "50000000", "payer": PAYER, "invoice_id": None, "text": "merci ✓"}],
        "reason": "the text mentions no invoice",
    }


def test_standard_input_may_be_wrapped_and_the_account_written_in_any_form() -> None:
    wrapped = "\r\n".join(PAID[i : i + 60] for i in range(0, len(PAID), 60)) + "\n"
    expected = shown("--account", ACCOUNT, PAID)
    assert shown("--account", format_address(ACCOUNT, bounceable=False), "-", stdin=wrapped) == expected
    assert shown("--account", ACCOUNT.upper(), PAID.upper()) == expected


def test_a_transaction_that_brings_nothing_says_why() -> None:
    bounced = payment(text_body(), Phases(skipped="no_state", action_success=None, bounce="ok"))
    assert shown("--account", ACCOUNT, write_boc(bounced).hex()) == {
        "transfers": [],
        "reason": "sent back to the sender (bounced)",
    }


def test_a_bag_that_is_no_transaction_of_the_account_brings_nothing() -> None:
    pruned = build_cell(b"\x01\x01" + bytes(34), 288, (), exotic=True)
    bad_proof = bytes.fromhex("b5ee9c7201010101002500084603" + "00" * 34)
    others = [write_boc(cell_from_bits(5, 8)), write_boc(pruned), bad_proof]
    for boc in [*others, bytes.fromhex(vectors()[0]["transaction_boc_hex"])]:
        found = shown("--account", ACCOUNT, boc.hex())
        assert found["transfers"] == []
        assert found["reason"].startswith("refused: ")


MISTAKES = [
    (["--account", ACCOUNT], "BOC_HEX"),
    ([PAID], "--account"),
    (["--account", "0:12", PAID], "64 hex digits"),
    (["--account", "", PAID], "64 hex digits"),
    (["--account", ACCOUNT, "xyz"], "hex digits"),
    (["--account", ACCOUNT, "abc"], "hex digits"),
    (["--account", ACCOUNT, ""], "bag of cells"),
    (["--account", ACCOUNT, "00ff"], "bag of cells"),
    (["--account", ACCOUNT, PAID + "00"], "bag of cells"),
    (["--account", ACCOUNT, PAID[:-2]], "bag of cells"),
    (["--account", ACCOUNT, PAID, "--recipient", OWNER], "belong together"),
    (["--account", ACCOUNT, PAID, "--jetton-master", OWNER], "belong together"),
    (["--account", ACCOUNT, PAID, "--recipient", OWNER, "--jetton-master", "x"], "64 hex digits"),
    (["--account", ACCOUNT, PAID, PAID], "unexpected"),
    (["--account", ACCOUNT, "--nope", PAID], "--nope"),
]


@pytest.mark.parametrize(("args", "why"), MISTAKES, ids=[why for _, why in MISTAKES])
def test_a_mistake_is_one_line_and_exit_code_2(args: list[str], why: str) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert why in result.stderr
    assert result.stderr.count("\n") == 1


@given(st.binary(max_size=80))
def test_any_input_is_answered_without_a_traceback(data: bytes) -> None:
    for result in (run("--account", ACCOUNT, data.hex()), run("--account", ACCOUNT, "-", stdin=data)):
        assert result.exit_code in (0, 2)
        assert result.exception is None or isinstance(result.exception, SystemExit)
