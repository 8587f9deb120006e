"""Get-methods run here, by the native TVM in the emulator library that the `pytvm` wheel carries; optional.

The wheel's Python wrapper is not used: it declares logical time and amounts as 32 bits, needs `pkg_resources`, and
leaks every returned string. The library is found beside the package, loaded with ctypes on first use and declared here.
"""

import base64
import ctypes
import functools
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harvester_ton.boc_writing import write_boc
from harvester_ton.cells import Cell
from harvester_ton.dictionary_writing import write_references

MAX_GAS: Final = 1_000_000
"""A node allows a get-method less; this takes some tens of milliseconds at most."""

_BOOL, _TEXT, _HANDLE = ctypes.c_bool, ctypes.c_char_p, ctypes.c_void_p
_OWNED_TEXT = ctypes.c_void_p  # a char* that the caller must free; c_char_p would lose the pointer

_SIGNATURES: Final[Mapping[str, tuple[Any, list[Any]]]] = {
    "emulator_set_verbosity_level": (_BOOL, [ctypes.c_int]),
    "tvm_emulator_create": (_HANDLE, [_TEXT, _TEXT, ctypes.c_int]),
    "tvm_emulator_set_libraries": (_BOOL, [_HANDLE, _TEXT]),
    "tvm_emulator_set_c7": (_BOOL, [_HANDLE, _TEXT, ctypes.c_uint32, ctypes.c_uint64, _TEXT, _TEXT]),
    "tvm_emulator_set_gas_limit": (_BOOL, [_HANDLE, ctypes.c_int64]),
    "tvm_emulator_run_get_method": (_OWNED_TEXT, [_HANDLE, ctypes.c_int, _TEXT]),
    "tvm_emulator_destroy": (None, [_HANDLE]),
}


class TvmUnavailable(RuntimeError):
    """No native TVM emulator for this platform (PyPI pytvm has one for Linux x86-64 and macOS arm64)."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no TVM on this platform: {reason}")
        self.reason = reason


class MethodFailed(ValueError):
    """The emulator cannot run this method, whatever its arguments."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What a get-method runs on. Nothing in it may be pruned."""

    raw_address: str
    code: Cell
    data: Cell
    balance_nano: int
    libraries: Mapping[bytes, Cell]
    """Library cells that code and data may name, by hash."""
    config: Cell
    """Root of the network's config."""
    utime: int
    """The time that the method sees, Unix seconds."""


@functools.cache
def load_library() -> ctypes.CDLL:
    """Return the emulator library, its get-method functions declared. Raises TvmUnavailable."""
    files = sorted((package_folder() / "engine").glob("libemulator*"))
    if not files:
        raise TvmUnavailable("the pytvm package carries no emulator library")
    try:
        library = ctypes.CDLL(str(files[0]))
    except OSError as error:
        raise TvmUnavailable(f"{files[0].name} does not load ({error})") from error
    declare(library, _SIGNATURES)
    library.emulator_set_verbosity_level(0)
    return library


def declare(library: ctypes.CDLL, signatures: Mapping[str, tuple[Any, list[Any]]]) -> None:
    """Tell ctypes the result and argument types of functions of `library`."""
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments


def package_folder() -> Path:
    """Return where the pytvm package is, without importing it. Raises TvmUnavailable."""
    spec = importlib.util.find_spec("pytvm")
    if spec is None or not spec.submodule_search_locations:
        raise TvmUnavailable("the pytvm package is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def take_json(address: int | None) -> dict[str, Any] | None:
    """Return the JSON object that the library left at `address`, and free it; None: it left nothing."""
    if not address:
        return None
    try:
        answer: dict[str, Any] = json.loads(ctypes.string_at(address))
    finally:
        _libc_free()(address)
    return answer


@functools.cache
def _libc_free() -> Any:
    free = ctypes.CDLL(None).free
    free.restype, free.argtypes = None, [ctypes.c_void_p]
    return free


def run_get_method(contract: Contract, method_id: int, stack_boc: bytes) -> tuple[int, bytes]:
    """Return exit code and resulting stack (a bag of cells) of a get-method. Blocks for some milliseconds.

    Raises:
        TvmUnavailable: there is no emulator, or it does not know the form of this network's config.
        MethodFailed: the emulator refuses code, data or arguments.
    """
    library = load_library()
    emulator = library.tvm_emulator_create(_text(contract.code), _text(contract.data), 0)
    if not emulator:
        raise MethodFailed("the emulator refuses the code or the data")
    try:
        _prepare(library, emulator, contract)
        answer = take_json(library.tvm_emulator_run_get_method(emulator, method_id, base64.b64encode(stack_boc)))
    finally:
        library.tvm_emulator_destroy(emulator)
    if answer is None or not answer.get("success"):
        raise MethodFailed(f"the emulator cannot run it: {str((answer or {}).get('error'))[:200]}")
    return int(answer["vm_exit_code"]), base64.b64decode(answer["stack"])


def _prepare(library: ctypes.CDLL, emulator: int, contract: Contract) -> None:
    if contract.libraries:
        entries = {int.from_bytes(found): root for found, root in contract.libraries.items()}
        if not library.tvm_emulator_set_libraries(emulator, _text(write_references(entries, 256))):
            raise MethodFailed("the emulator refuses the libraries")
    address, seed, balance = contract.raw_address.encode(), bytes(32).hex().encode(), contract.balance_nano
    if not library.tvm_emulator_set_c7(emulator, address, contract.utime, balance, seed, _text(contract.config)):
        raise TvmUnavailable("the emulator does not understand this network's config")
    if not library.tvm_emulator_set_gas_limit(emulator, MAX_GAS):
        raise MethodFailed("the emulator refuses the gas limit")


def _text(root: Cell) -> bytes:
    return base64.b64encode(write_boc(root))
