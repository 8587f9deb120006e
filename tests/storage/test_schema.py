"""`migrations/schema.sql` is what the migrations make. `make schema` writes it anew."""

import os
import re
import subprocess
from pathlib import Path

from harvester.storage.embedded import postgres_binaries

SCHEMA = Path(__file__).parents[2] / "migrations" / "schema.sql"
HEADER = "-- Made by `make schema` from the migrations; for reading, not for running.\n\n"


def dump_schema(uri: str) -> str:
    """Return the schema of the database at `uri` as SQL, without what differs from run to run."""
    command: list[str | Path] = [
        postgres_binaries() / "pg_dump",
        "--schema-only",
        "--no-owner",
        "--no-privileges",
        "--dbname",
        uri,
    ]
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kept = [line for line in dump.splitlines() if not re.match(r"(--|SET |SELECT pg_catalog|\\)", line)]
    return HEADER + re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip() + "\n"


async def test_the_written_schema_is_what_the_migrations_make(database_uri: str) -> None:
    made = dump_schema(database_uri)
    if os.environ.get("WRITE_SCHEMA"):
        SCHEMA.write_text(made, "utf-8")
    assert SCHEMA.read_text("utf-8") == made
