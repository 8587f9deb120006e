"""What commands print for people."""

import pytest

from harvester.cli.output import print_fields, print_table


def test_what_strangers_write_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    text = "Київ\u3000one\ntwo \x1b]52;c;aGk=\x07\x9b2J\u202eevil\r"
    print_fields({"text": text})
    print_table(["text"], [[text]])
    printed = capsys.readouterr().out
    assert all(character.isprintable() or character in "\n\u3000" for character in printed)
    assert printed.count("Київ\u3000one") == 2
    assert printed.count(r"two \x1b]52;c;aGk=\x07\x9b2J\u202eevil\r") == 2
