"""Get-methods in a process of their own: native code that meets a config or contract it was not made for may crash.

The process gets one call as JSON on its standard input, answers with JSON, and ends. It sees no secret: its environment
holds what Python needs to find its modules.
"""

import asyncio
import base64
import json
import os
import resource
import sys
from typing import Any, Final

from harvester_ton.boc import parse_boc_root
from harvester_ton.boc_writing import write_boc
from harvester_ton.tvm import Contract, MethodFailed, TvmUnavailable, run_get_method

TIME_LIMIT_SECS: Final = 10
_ENVIRONMENT: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")


async def run_method_apart(contract: Contract, method_id: int, stack_boc: bytes) -> tuple[int, bytes]:
    """Do what `tvm.run_get_method` does, and raise what it raises; a crash or standstill is a TvmUnavailable too."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "harvester_ton.tvm_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
    )
    try:
        async with asyncio.timeout(TIME_LIMIT_SECS):
            output, _ = await process.communicate(_write_call(contract, method_id, stack_boc))
    except TimeoutError:
        raise TvmUnavailable(f"the emulator came to no end within {TIME_LIMIT_SECS} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise TvmUnavailable(f"the emulator broke down (exit status {process.returncode})")
    return _read_answer(json.loads(output))


def _write_call(contract: Contract, method_id: int, stack_boc: bytes) -> bytes:
    call = {
        "address": contract.raw_address,
        "code": _text(write_boc(contract.code)),
        "data": _text(write_boc(contract.data)),
        "balance_nano": contract.balance_nano,
        "libraries": [_text(write_boc(root)) for root in contract.libraries.values()],
        "config": _text(write_boc(contract.config)),
        "utime": contract.utime,
        "method_id": method_id,
        "stack": _text(stack_boc),
    }
    return json.dumps(call).encode()


def _read_answer(answer: dict[str, Any]) -> tuple[int, bytes]:
    if "unavailable" in answer:
        raise TvmUnavailable(answer["unavailable"])
    if "failed" in answer:
        raise MethodFailed(answer["failed"])
    return answer["exit_code"], base64.b64decode(answer["stack"])


def _answer(call: dict[str, Any]) -> dict[str, object]:
    code, data, config = (parse_boc_root(base64.b64decode(call[name])) for name in ("code", "data", "config"))
    libraries = [parse_boc_root(base64.b64decode(text)) for text in call["libraries"]]
    by_hash = {root.hash: root for root in libraries}
    contract = Contract(call["address"], code, data, call["balance_nano"], by_hash, config, call["utime"])
    try:
        exit_code, stack = run_get_method(contract, call["method_id"], base64.b64decode(call["stack"]))
    except TvmUnavailable as error:
        return {"unavailable": error.reason}
    except MethodFailed as error:
        return {"failed": str(error)}
    return {"exit_code": exit_code, "stack": _text(stack)}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def main() -> None:
    """Answer the one call on standard input."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (TIME_LIMIT_SECS, TIME_LIMIT_SECS))
    sys.stdout.write(json.dumps(_answer(json.load(sys.stdin))))


if __name__ == "__main__":
    main()
