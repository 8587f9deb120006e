"""Where a demo keeps its database and files: a folder of its own for each run, gone afterwards.

The chain of a run is in memory and ends with it. A database that outlived it would hold cursors and open invoices of a
chain that no longer exists, and runs side by side would deliver each other's webhooks.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from harvester.domain.errors import ConfigurationError

_PREFIX: Final = "run-"
_LOCK: Final = "lock"


def default_data_path(environ: Mapping[str, str]) -> Path:
    """Return the folder `harvester/dev` below the user's state directory."""
    state_home = environ.get("XDG_STATE_HOME")
    return (Path(state_home) if state_home else Path.home() / ".local/state") / "harvester/dev"


@contextmanager
def run_folder(data_path: Path) -> Iterator[Path]:
    """Yield a new folder in `data_path`, and remove it in the end, along with those of runs that were killed.

    Raises:
        ConfigurationError: `data_path` cannot be used.
    """
    try:
        data_path.mkdir(parents=True, exist_ok=True)
        _sweep(data_path)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=data_path))
    except OSError as error:
        raise ConfigurationError(f"DATA_DIR: {data_path} cannot be used: {error.strerror}") from error
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # what cannot be removed now is swept by the next run


def _sweep(data_path: Path) -> None:
    for folder in data_path.glob(f"{_PREFIX}*"):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    """Whether nobody holds the lock any more: the system releases that of a killed process."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDONLY)
    except OSError:
        return False  # a run that is just beginning
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
    finally:
        os.close(lock)
