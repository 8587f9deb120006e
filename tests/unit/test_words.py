"""The core knows no chain and no shop by name, but for the one chain that it runs if nothing else is said."""

from pathlib import Path

import harvester

ROOT = Path(harvester.__file__).parent
WORDS = (b"tari", b"shopify")


def test_no_file_of_the_core_names_what_only_plugins_know() -> None:
    files = [path for path in ROOT.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert len(files) > 100
    named = {str(path.relative_to(ROOT)) for path in files if any(word in path.read_bytes().lower() for word in WORDS)}
    assert named == set()
