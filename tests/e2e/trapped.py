"""`harvester run` with little patience, and a trap: whoever comes to TRAP hangs while the file TRAP_FLAG is there."""

import asyncio
import importlib
import os
import time
from functools import reduce
from typing import Any, Final

PATIENCE_SECS: Final = 3.0
SHORTENED: Final = {
    "harvester.pulse:PATIENCE_SECS": PATIENCE_SECS,
    "harvester.housekeeping:_HOPELESS_LOOKS": 4,
    "harvester.counting:COUNT_SECS": PATIENCE_SECS / 4,
    "harvester.upkeep:UPKEEP_SECS": PATIENCE_SECS / 4,
    "harvester.services.outage:_LONGEST_SECS": PATIENCE_SECS / 4,
}
"""In proportion: two minutes are too long for a test."""
BLOCK: Final = "event loop"
"""As TRAP_KIND: hang so that nothing else goes on either."""


def set_trap() -> None:
    """Put the trap in front of the function `module:name.name`."""
    module_name, _, path = os.environ["TRAP"].partition(":")
    *owners, name = path.split(".")
    owner: Any = reduce(getattr, owners, importlib.import_module(module_name))
    original, flag, blocks = getattr(owner, name), os.environ["TRAP_FLAG"], os.environ.get("TRAP_KIND") == BLOCK

    async def trap(*arguments: Any, **named: Any) -> Any:
        if os.path.exists(flag):  # noqa: ASYNC240, PTH110 - it is local, and a trap
            time.sleep(3600) if blocks else await asyncio.Event().wait()  # noqa: ASYNC251 - that is the trap
        return await original(*arguments, **named)

    setattr(owner, name, trap)


def main() -> None:
    """Run the command line."""
    for name, secs in SHORTENED.items():
        module_name, _, constant = name.partition(":")
        setattr(importlib.import_module(module_name), constant, secs)
    set_trap()
    importlib.import_module("harvester.cli").main()


if __name__ == "__main__":
    main()
