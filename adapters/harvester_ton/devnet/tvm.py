"""Transactions and get-methods of the local chain, run by the native TVM (`harvester_ton.tvm`)."""

from __future__ import annotations

import ast
import base64
import ctypes
import secrets
from dataclasses import dataclass
from typing import Any

from harvester_ton.devnet.boc import FlatTree, read_flat, read_root, write_boc
from harvester_ton.devnet.cells import Cell
from harvester_ton.tvm import TvmUnavailable, declare, load_library, package_folder, take_json

__all__ = [
    "Emulated",
    "MessageRefused",
    "MethodResult",
    "Tvm",
    "TvmUnavailable",
    "default_config",
    "load_library",
    "tvm_available",
]

_BOOL, _TEXT, _HANDLE = ctypes.c_bool, ctypes.c_char_p, ctypes.c_void_p

_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "transaction_emulator_create": (_HANDLE, [_TEXT, ctypes.c_int]),
    "transaction_emulator_set_unixtime": (_BOOL, [_HANDLE, ctypes.c_uint32]),
    "transaction_emulator_set_lt": (_BOOL, [_HANDLE, ctypes.c_uint64]),
    "transaction_emulator_set_rand_seed": (_BOOL, [_HANDLE, _TEXT]),
    "transaction_emulator_emulate_transaction": (_HANDLE, [_HANDLE, _TEXT, _TEXT]),
    "transaction_emulator_destroy": (None, [_HANDLE]),
}


@dataclass(frozen=True, slots=True)
class Emulated:
    """One transaction in both forms, and the account after it as the bag of cells the next transaction takes."""

    transaction: Cell
    flat: FlatTree
    shard_account_b64: bytes


@dataclass(frozen=True, slots=True)
class MethodResult:
    """Exit code of a get-method, its stack as a bag of cells, gas used."""

    exit_code: int
    stack_boc: bytes
    gas_used: int


class MessageRefused(ValueError):
    """An external message that the contract did not accept, or a message the emulator cannot read."""


def tvm_available() -> bool:
    """Whether there is an emulator here."""
    try:
        load_library()
    except TvmUnavailable:
        return False
    return True


def default_config() -> Cell:
    """The network config the wheel brings, read from its source so that the package itself is not imported."""
    for node in ast.parse((package_folder() / "utils.py").read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DEFAULT_CONFIG_BOC":
            return read_root(base64.b64decode(ast.literal_eval(node.value)))
    raise TvmUnavailable("the pytvm package carries no default config")


def _take_json(address: int | None) -> dict[str, Any]:
    answer = take_json(address)
    if answer is None:
        raise MessageRefused("the emulator gave no answer")
    return answer


class Tvm:
    """Transactions and get-methods under one network config. Not thread-safe; close it when done."""

    def __init__(self, config: Cell) -> None:
        self._library = load_library()
        declare(self._library, _SIGNATURES)
        self._config_b64 = base64.b64encode(write_boc(config))
        self._emulator = self._library.transaction_emulator_create(self._config_b64, 0)
        if not self._emulator:
            raise TvmUnavailable("the emulator refuses the network config")

    def close(self) -> None:
        """Frees the native emulator; may be repeated."""
        emulator, self._emulator = self._emulator, None
        if emulator:
            self._library.transaction_emulator_destroy(emulator)

    def begin_block(self, utime: int, rand_seed: bytes) -> None:
        """Sets the time (Unix seconds) and the seed of the transactions to come."""
        self._library.transaction_emulator_set_unixtime(self._emulator, utime)
        self._library.transaction_emulator_set_rand_seed(self._emulator, rand_seed.hex().encode())

    def emulate(self, shard_account_b64: bytes, message_boc: bytes, lt: int) -> Emulated:
        """Runs one message on one account at logical time `lt`. Raises `MessageRefused`."""
        library = self._library
        library.transaction_emulator_set_lt(self._emulator, lt)
        answer = _take_json(
            library.transaction_emulator_emulate_transaction(
                self._emulator, shard_account_b64, base64.b64encode(message_boc)
            )
        )
        if not answer["success"]:
            raise MessageRefused(f"{answer.get('error')} (exit code {answer.get('vm_exit_code')})")
        transaction, flat = read_flat(base64.b64decode(answer["transaction"]))
        return Emulated(transaction, flat, answer["shard_account"].encode())

    def run_method(
        self, code: Cell, data: Cell, raw_address: str, method_id: int, stack_boc: bytes, *, utime: int, balance: int
    ) -> MethodResult:
        """Runs a get-method. `stack_boc` is a serialised VmStack. Raises `MessageRefused` if the emulator cannot."""
        library = self._library
        encode = base64.b64encode
        emulator = library.tvm_emulator_create(encode(write_boc(code)), encode(write_boc(data)), 0)
        if not emulator:
            raise MessageRefused("the emulator refuses the code or the data")
        try:
            seed = secrets.token_hex(32).encode()
            library.tvm_emulator_set_c7(emulator, raw_address.encode(), utime, balance, seed, self._config_b64)
            answer = _take_json(library.tvm_emulator_run_get_method(emulator, method_id, encode(stack_boc)))
        finally:
            library.tvm_emulator_destroy(emulator)
        if not answer["success"]:
            raise MessageRefused(str(answer.get("error")))
        return MethodResult(int(answer["vm_exit_code"]), base64.b64decode(answer["stack"]), int(answer["gas_used"]))
