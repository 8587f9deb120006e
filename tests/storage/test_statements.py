"""Every statement of the program is understood by the schema that the migrations make."""

import importlib
import pkgutil
import re

import pytest

import harvester.storage
from harvester.storage.database import Database

VERB = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")


def statements() -> list[tuple[str, str]]:
    """Return (name, SQL) of all constants in `harvester.storage` that are statements."""
    found = []
    for module_info in pkgutil.iter_modules(harvester.storage.__path__, "harvester.storage."):
        module = importlib.import_module(module_info.name)
        for name, value in vars(module).items():
            if isinstance(value, str) and name.strip("_").isupper() and VERB.match(value):
                found.append((f"{module_info.name.rsplit('.', 1)[1]}.{name}", value))
    return found


@pytest.mark.parametrize(("name", "statement"), statements(), ids=lambda value: value.split("\n")[0][:40])
async def test_the_statement_can_be_prepared(database: Database, name: str, statement: str) -> None:
    async with database.connection() as connection:
        assert (await connection.prepare(statement)).get_parameters() is not None, name


def test_the_statements_are_found() -> None:
    assert len(statements()) > 15
