"""Metadata that only the payer can read: the bytes that other programs know."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from harvester_ton.merchant_key import derive_seed
from harvester_ton.sealing import MetadataSealer
from tests.ton import sealed

CLIENT = Path(__file__).parents[2] / "examples" / "metadata_client.py"
VECTORS: list[dict[str, str]] = json.loads((Path(__file__).parent / "data" / "sealed.json").read_text())
"""Encrypted comments of the zero account, made by tonutils-go 1.12.0."""
SEEDS = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["text"][:20])
def test_it_makes_the_bytes_of_an_independent_implementation(vector: dict[str, str]) -> None:
    key, seed, payer_key, theirs = (
        bytes.fromhex(vector[name]) for name in ("key", "payer_seed", "payer_public_key", "sealed")
    )
    text, noise, sender = sealed.open_sealed(theirs, seed)
    assert text == vector["text"].encode()
    assert sender == MetadataSealer(key).public_key
    assert MetadataSealer(key, lambda size: noise[:size]).seal(text, payer_key) == theirs


@given(key=SEEDS, seed=SEEDS, text=st.binary(max_size=100))
def test_the_payer_reads_exactly_what_was_sealed(key: bytes, seed: bytes, text: bytes) -> None:
    ours = MetadataSealer(key).seal(text, sealed.public_key(seed))
    assert len(ours) % 16 == 0
    assert len(ours) >= 32 + 16 + 16 + len(text)
    found, _, sender = sealed.open_sealed(ours, seed)
    assert (found, sender) == (text, sealed.public_key(derive_seed(key, "meta")))


@given(key=SEEDS, seed=SEEDS, text=st.binary(max_size=100), data=st.data())
def test_it_seals_as_others_do(key: bytes, seed: bytes, text: bytes, data: Any) -> None:
    sealer = MetadataSealer(key, lambda size: data.draw(st.binary(min_size=size, max_size=size)))
    ours = sealer.seal(text, sealed.public_key(seed))
    _, noise, _ = sealed.open_sealed(ours, seed)
    assert sealed.seal(text, sealed.meta_seed(key), sealed.public_key(seed), noise) == ours


def test_sealing_twice_shows_nothing_of_what_is_the_same() -> None:
    sealer, payer_key = MetadataSealer(bytes(32)), sealed.public_key(bytes(32))
    first, second = (sealer.seal(b"the same", payer_key) for _ in range(2))
    assert first[:32] == second[:32]
    assert not {first[at : at + 16] for at in range(32, len(first), 16)} & {
        second[at : at + 16] for at in range(32, len(second), 16)
    }


@given(seed=SEEDS, other=SEEDS, at=st.integers(0, 32 + 16 + 32 - 1))
def test_nobody_else_reads_it_and_a_changed_byte_is_noticed(seed: bytes, other: bytes, at: int) -> None:
    ours = bytearray(MetadataSealer(bytes(32)).seal(b"secret", sealed.public_key(seed)))
    if other != seed:
        with pytest.raises(AssertionError):
            sealed.open_sealed(bytes(ours), other)
    ours[at % len(ours)] ^= 1
    with pytest.raises((AssertionError, ValueError)):
        assert sealed.open_sealed(bytes(ours), seed)[2] == MetadataSealer(bytes(32)).public_key


def reference_client() -> Any:
    """The example for wallet developers, as a module."""
    spec = importlib.util.spec_from_file_location("metadata_client", CLIENT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@given(key=SEEDS, seed=SEEDS, text=st.binary(max_size=100))
def test_the_reference_client_opens_what_anybody_sealed_and_nothing_that_was_changed(
    key: bytes, seed: bytes, text: bytes
) -> None:
    open_sealed, payer = reference_client().open_sealed, SigningKey(seed)
    noise = bytes(15 + -len(text) % 16)
    theirs = sealed.seal(text, sealed.meta_seed(key), sealed.public_key(seed), noise)
    for made in (theirs, MetadataSealer(key).seal(text, sealed.public_key(seed))):
        assert open_sealed(made, payer) == text
        with pytest.raises(ValueError, match="not sealed for this key"):
            open_sealed(made[:-1] + bytes((made[-1] ^ 1,)), payer)
