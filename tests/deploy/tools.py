"""Programs that read the files of `deploy/`. CI has them; elsewhere the tests that need them are skipped."""

import shutil
from typing import Final

import pytest

PROMETHEUS: Final = shutil.which("prometheus")
PROMTOOL: Final = shutil.which("promtool")
needs_prometheus: Final = pytest.mark.skipif(
    not (PROMETHEUS and PROMTOOL), reason="Prometheus is not installed (Debian: apt-get install prometheus)"
)
