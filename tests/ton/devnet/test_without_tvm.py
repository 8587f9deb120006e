"""Where no emulator exists, everything imports and the chain says why it cannot run."""

from __future__ import annotations

import importlib.util
import pkgutil
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

import harvester_ton.devnet
from harvester_ton.devnet import tvm
from harvester_ton.devnet.commands import chain_command
from harvester_ton.devnet.local import LocalTon


@pytest.fixture
def no_tvm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pytvm" else found(name))
    tvm.load_library.cache_clear()
    yield
    tvm.load_library.cache_clear()


@pytest.mark.usefixtures("no_tvm")
async def test_the_chain_refuses_with_one_line() -> None:
    assert not tvm.tvm_available()
    with pytest.raises(tvm.TvmUnavailable, match=r"^no TVM on this platform: [^\n]+$"):
        async with LocalTon():
            pass


@pytest.mark.usefixtures("no_tvm")
def test_the_command_says_so_and_fails() -> None:
    result = CliRunner().invoke(chain_command, [])
    assert result.exit_code == 1
    assert "no TVM on this platform" in result.output


def test_every_module_imports_without_the_emulator() -> None:
    for module in pkgutil.iter_modules(harvester_ton.devnet.__path__, "harvester_ton.devnet."):
        importlib.import_module(module.name)
