"""The native TVM: transactions and get-methods through the emulator library inside the `pytvm` wheel.

The wheel's Python wrapper is not used: it declares logical time and amounts as 32 bits, needs `pkg_resources`, and
leaks every returned string. The library is found beside the package, loaded with ctypes and declared here.
"""

from __future__ import annotations

import ast
import base64
import ctypes
import functools
import importlib.util
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harvester_ton.devnet.boc import FlatTree, read_flat, read_root, write_boc
from harvester_ton.devnet.cells import Cell

_BOOL, _TEXT, _HANDLE = ctypes.c_bool, ctypes.c_char_p, ctypes.c_void_p
_OWNED_TEXT = ctypes.c_void_p  # a char* that the caller must free; c_char_p would lose the pointer

_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "emulator_set_verbosity_level": (_BOOL, [ctypes.c_int]),
    "transaction_emulator_create": (_HANDLE, [_TEXT, ctypes.c_int]),
    "transaction_emulator_set_unixtime": (_BOOL, [_HANDLE, ctypes.c_uint32]),
    "transaction_emulator_set_lt": (_BOOL, [_HANDLE, ctypes.c_uint64]),
    "transaction_emulator_set_rand_seed": (_BOOL, [_HANDLE, _TEXT]),
    "transaction_emulator_emulate_transaction": (_OWNED_TEXT, [_HANDLE, _TEXT, _TEXT]),
    "transaction_emulator_destroy": (None, [_HANDLE]),
    "tvm_emulator_create": (_HANDLE, [_TEXT, _TEXT, ctypes.c_int]),
    "tvm_emulator_set_c7": (_BOOL, [_HANDLE, _TEXT, ctypes.c_uint32, ctypes.c_uint64, _TEXT, _TEXT]),
    "tvm_emulator_run_get_method": (_OWNED_TEXT, [_HANDLE, ctypes.c_int, _TEXT]),
    "tvm_emulator_destroy": (None, [_HANDLE]),
}


class TvmUnavailable(RuntimeError):
    """No native TVM emulator for this platform (PyPI pytvm has one for Linux x86-64 and macOS arm64)."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no TVM on this platform: {reason}")


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
    """Whether `load_library` works here."""
    try:
        load_library()
    except TvmUnavailable:
        return False
    return True


@functools.cache
def load_library() -> ctypes.CDLL:
    """The emulator library with every function declared. Raises `TvmUnavailable`."""
    files = sorted((_package_folder() / "engine").glob("libemulator*"))
    if not files:
        raise TvmUnavailable("the pytvm package carries no emulator library")
    try:
        library = ctypes.CDLL(str(files[0]))
    except OSError as error:
        raise TvmUnavailable(f"{files[0].name} does not load ({error})") from error
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.emulator_set_verbosity_level(0)
    return library


@functools.cache
def _libc_free() -> Any:
    free = ctypes.CDLL(None).free
    free.restype, free.argtypes = None, [ctypes.c_void_p]
    return free


def _package_folder() -> Path:
    spec = importlib.util.find_spec("pytvm")
    if spec is None or not spec.submodule_search_locations:
        raise TvmUnavailable("the pytvm package is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def default_config() -> Cell:
    """The network config the wheel brings, read from its source so that the package itself is not imported."""
    for node in ast.parse((_package_folder() / "utils.py").read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DEFAULT_CONFIG_BOC":
            return read_root(base64.b64decode(ast.literal_eval(node.value)))
    raise TvmUnavailable("the pytvm package carries no default config")


def _take_json(address: int | None) -> dict[str, Any]:
    if not address:
        raise MessageRefused("the emulator gave no answer")
    try:
        answer: dict[str, Any] = json.loads(ctypes.string_at(address))
    finally:
        _libc_free()(address)
    return answer


class Tvm:
    """Transactions and get-methods under one network config. Not thread-safe; close it when done."""

    def __init__(self, config: Cell) -> None:
        self._library = load_library()
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
