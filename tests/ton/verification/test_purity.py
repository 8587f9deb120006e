"""The package can be audited by reading it: pure, typed, and nothing that `python -O` takes away."""

import ast
from pathlib import Path

import pytest

import harvester_ton.verification as package

ALLOWED = {
    "base64",
    "binascii",
    "collections.abc",
    "contextlib",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "json",
    "struct",
    "typing",
    "nacl.exceptions",
    "nacl.signing",
    "harvester.domain.errors",
    "harvester_ton.boc",
    "harvester_ton.cells",
    "harvester_ton.dictionaries",
    "harvester_ton.slices",
    "harvester_ton.tl",
    "harvester_ton.transaction",
}
MODULES = sorted(Path(package.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_neither_network_nor_clock_nor_the_library_and_asserts_nothing(module: Path) -> None:
    nodes = list(ast.walk(ast.parse(module.read_text())))
    imported = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    own = {name for name in imported if name.startswith("harvester_ton.verification.")}
    assert imported - own <= ALLOWED
    assert not any(isinstance(node, ast.Assert) for node in nodes)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_function_calls_itself(module: Path) -> None:
    functions = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        called = {
            node.func.id
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert function.name not in called
