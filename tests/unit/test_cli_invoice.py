"""`harvester invoice`: what is refused before anything is opened."""

import pytest
from click.testing import CliRunner

from harvester.cli.invoice import command
from harvester.domain.errors import InvalidInput


@pytest.mark.parametrize("text", ['{"a": 1}, "amount": "9"', "{}}", "[]", "{", ""])
def test_private_info_is_one_object_and_brings_no_other_member(text: str) -> None:
    result = CliRunner().invoke(command, ["create", "5", "TON", "--private-info", text])
    assert isinstance(result.exception, InvalidInput)
    assert "expected at character" in str(result.exception)
