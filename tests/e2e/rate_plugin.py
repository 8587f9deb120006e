"""A source of rates as an installed package: the daemon finds it by its entry point. It says what a file says."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from harvester.domain.errors import ConfigurationError
from harvester.domain.rates import Pair
from harvester.rate_source import RateSource, SourcePlugin


class FileSource:
    """Lines of `ticker currency rate`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def fetch(self, pairs: Sequence[Pair]) -> Mapping[Pair, Decimal]:
        lines = [line.split() for line in self._path.read_text().splitlines()]
        said = {(ticker, currency): Decimal(rate) for ticker, currency, rate in lines}
        return {pair: said[key] for pair in pairs if (key := (pair.asset.ticker, pair.currency)) in said}


def build(environ: Mapping[str, str]) -> RateSource:
    """Build the source, or say what is wrong with its settings."""
    if "ORACLE_FILE" not in environ:
        raise ConfigurationError("ORACLE_FILE: is not set")
    return FileSource(Path(environ["ORACLE_FILE"]))


plugin = SourcePlugin("oracle", build, frozenset({"ORACLE_FILE", "ORACLE_KEY"}), frozenset({"ORACLE_KEY"}))


def install(folder: Path) -> None:
    """Install the source into `folder`, which is on the path of the process that is to use it."""
    package = folder / "rate_plugin-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: rate-plugin\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        "[harvester.rates]\noracle = tests.e2e.rate_plugin:plugin\nbroken = tests.e2e.rate_plugin:nothing\n"
    )
