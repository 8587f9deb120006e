"""docs/reference/settings.md has every setting, with the default that the code has."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from harvester.chain import load_plugins
from harvester.chain.hooks import load_hooks
from harvester.config.settings import DaemonSettings

PAGE = (Path(__file__).parents[2] / "docs/reference/settings.md").read_text()
ROWS = {
    name.strip(): default.strip()
    for names, defaults in re.findall(r"^\| ([A-Z][A-Z0-9_, ]+) \| ([^|]+) \|", PAGE, re.MULTILINE)
    for name, default in zip(names.split(","), defaults.split(", ") if "," in names else [defaults], strict=True)
}
OF_ANOTHER_SETTING = {"POSTGRES_URI", "DATA_DIR"}
"""Their defaults are said in words."""


def test_the_page_has_all_settings_that_there_are() -> None:
    read = [plugin.variables for plugin in load_plugins().values()]
    read += [plugin.variables for plugin in load_hooks().values()]
    brought = {name for names in read for name in names}
    assert ROWS.keys() == brought | {name.upper() for name in DaemonSettings.model_fields}


@pytest.mark.parametrize("name", sorted({name.upper() for name in DaemonSettings.model_fields} - OF_ANOTHER_SETTING))
def test_the_page_says_the_default_of_a_setting_of_the_core(name: str) -> None:
    assert ROWS[name] == shown(name, DaemonSettings.model_fields[name.lower()].default)


def shown(name: str, default: Any) -> str:
    """Return a default as an operator writes it."""
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, timedelta) and name.endswith("_HOURS"):
        return str(int(default.total_seconds()) // 3600)
    if isinstance(default, timedelta):
        return str(default.days or int(default.total_seconds()))
    if isinstance(default, (tuple, frozenset)) and type(default) in {tuple, frozenset}:
        return ", ".join(sorted(map(str, default))) or "none"
    return "none" if default is None else str(default)
