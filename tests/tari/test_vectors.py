"""What the existing server's own test data says is valid, is valid here, and nothing else is."""

from typing import Any

import pytest

from tests.tari.vectors import is_valid, vectors


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: f"{vector['kind']} {vector['id']}")
def test_each_vector_is_judged_as_its_source_says(vector: dict[str, Any]) -> None:
    # The one of unknown value was recorded over an older form of address.
    assert is_valid(vector) == (vector["expect"] == "valid")
