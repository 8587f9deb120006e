"""Settings: where they come from, which are allowed, and that every mistake is named without its value."""

import base64
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from harvester.chain import Adapter, AdapterContext, AdapterPlugin
from harvester.config.configuration import configure, flatten
from harvester.config.forms import ListenAddress
from harvester.config.settings import DaemonSettings, LogLevel, Settings
from harvester.config.variables import MAX_FILE_BYTES, Variables
from harvester.domain.errors import ConfigurationError
from tests.clock import ManualClock
from tests.e2e import memory_adapter, rate_plugin

SECRET = "geheim-9f2c"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


def load(**environ: str) -> DaemonSettings:
    return DaemonSettings.load(Variables({"TOKEN": "sesame"} | environ))


def mistakes(**environ: str) -> list[str]:
    with pytest.raises(ExceptionGroup) as caught:
        load(**environ)
    return [str(mistake) for mistake in flatten(caught.value)]


def test_defaults_are_those_of_the_documentation() -> None:
    settings = load(HOME="/home/shop")
    assert (settings.host, settings.port, settings.metrics) == ("127.0.0.1", 8081, ListenAddress("127.0.0.1", 9108))
    assert (settings.log_level, settings.chains, settings.migrate) == (LogLevel.INFO, ("ton",), True)
    assert (settings.postgres_uri, settings.webhook_endpoint, settings.webhook_secret, settings.domain) == (None,) * 4


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"STATE_DIRECTORY": "/var/lib/harvester:/var/lib/other"}, "/var/lib/harvester"),
        ({"XDG_STATE_HOME": "/state"}, "/state/harvester"),
        ({"DATA_DIR": "/data", "STATE_DIRECTORY": "/var/lib/harvester"}, "/data"),
        ({"HARVESTER_DATA_DIR": "/data"}, "/data"),
    ],
)
def test_the_data_folder_follows_the_surroundings(environ: dict[str, str], expected: str) -> None:
    assert load(**environ).data_dir == Path(expected)


@pytest.mark.parametrize(
    ("environ", "token"),
    [
        ({"TOKEN": "plain"}, "plain"),
        ({"TOKEN": "plain", "HARVESTER_TOKEN": "prefixed"}, "prefixed"),
        ({"TOKEN": "plain", "HARVESTER_API_TOKEN": "further"}, "further"),
        ({"TOKEN": "plain", "HARVESTER_API_TOKEN": ""}, "plain"),
    ],
)
def test_the_prefixed_name_wins_and_an_empty_one_counts_as_not_set(environ: dict[str, str], token: str) -> None:
    assert DaemonSettings.load(Variables(environ)).token.get_secret_value() == token


def test_the_environment_wins_over_the_file_and_the_file_over_credentials(tmp_path: Path) -> None:
    (tmp_path / "harvester_domain").write_text("credential.example\r\n")
    (tmp_path / "PORT").write_text("3\n")
    (tmp_path / "webhook_secret").write_text(WEBHOOK_SECRET)
    places = Variables({"PORT": "1", "TOKEN": "t"}, {"HARVESTER_PORT": "2", "HOST": "::1"}, tmp_path)
    settings = DaemonSettings.load(places)
    assert (settings.port, settings.host, settings.domain) == (1, "::1", "credential.example")
    assert settings.webhook_secret
    assert settings.webhook_secret.get_secret_value() == WEBHOOK_SECRET


def test_a_file_may_hold_any_value_and_the_line_end_is_not_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("from-file\n")
    settings = DaemonSettings.load(Variables({"TOKEN_FILE": str(path)}))
    assert settings.token.get_secret_value() == "from-file"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe", b"x" * (MAX_FILE_BYTES + 1)])
def test_a_file_that_cannot_be_used_is_one_mistake_and_its_name_is_not_told(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / SECRET
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ExceptionGroup) as caught:
        DaemonSettings.load(Variables({"TOKEN_FILE": str(path)}))
    (line,) = [str(mistake) for mistake in flatten(caught.value)]
    assert line.startswith("TOKEN_FILE: must name a")
    assert SECRET not in line


def test_a_value_and_a_file_for_the_same_name_are_a_mistake(tmp_path: Path) -> None:
    assert mistakes(TOKEN_FILE=str(tmp_path)) == ["TOKEN: give TOKEN or TOKEN_FILE, not both"]


WRONG = [
    ("RATE_VALID_SECS", "0000"),
    ("RATE_VALID_SECS", "1h"),
    ("RATE_INTERVAL_SECS", "31622401"),
    ("RATE_CURRENCIES", ", ,"),
    ("RATE_CURRENCIES", "USD,$"),
    ("RATE_CURRENCIES", ",".join(f"C{number:02}" for number in range(21))),
    ("RATE_MAX_JUMP", "0000"),
    ("RATE_MAX_JUMP", "1001"),
    ("RATE_SOURCE", "a source"),
    ("PORT", "abc"),
    ("PORT", "-1"),
    ("PORT", "65536"),
    ("PORT", "8081 "),
    ("PORT", "٨٠٨١"),
    ("PORT", "tcp://10.0.0.1:8081"),
    ("HARVESTER_PORT", "tcp://10.0.0.1:8081"),
    ("HOST", "not a host"),
    ("HOST", "http://localhost"),
    ("LOG_LEVEL", "LOUD"),
    ("POSTGRES_URI", f"mysql://u:{SECRET}@h/d"),
    ("POSTGRES_URI", f"postgres://u:{SECRET}@h:port/d"),
    ("POSTGRES_URI", SECRET),
    ("TOKEN", f"{SECRET} with spaces"),
    ("TOKEN", f"{SECRET}é"),
    ("WEBHOOK_ENDPOINT", f"ftp://shop.example/{SECRET}"),
    ("WEBHOOK_ENDPOINT", f"shop.example/{SECRET}"),
    ("WEBHOOK_ENDPOINT", f"https:///{SECRET}"),
    ("WEBHOOK_ENDPOINT", f"https://[::1/{SECRET}"),
    ("WEBHOOK_SECRET", SECRET),
    ("WEBHOOK_SECRET", f"whsec_{SECRET}!"),
    ("WEBHOOK_SECRET", "whsec_c2hvcnQ="),
    ("WEBHOOK_SECRET", ",".join([WEBHOOK_SECRET] * 3)),
    ("WEBHOOK_ALLOW_HTTP", "sometimes"),
    ("WEBHOOK_ALLOW_NETWORKS", "10.0.0.1/8"),
    ("WEBHOOK_ALLOW_NETWORKS", "localhost"),
    ("METRICS", "9108"),
    ("METRICS", "::1:9108"),
    ("METRICS", "localhost:99999"),
    ("METRICS", "localhost:"),
    ("DOMAIN", "https://pay.example.com"),
    ("DOMAIN", "pay.example.com/path"),
    ("CHAINS", " , "),
    ("CHAINS", "ton;tari"),
    ("MIGRATE", "perhaps"),
    ("UNDERPAYMENT_TOLERANCE", "50.0001"),
    ("UNDERPAYMENT_TOLERANCE", "0.00001"),
    ("UNDERPAYMENT_TOLERANCE", "-1"),
    ("UNDERPAYMENT_TOLERANCE", "1e1"),
    ("UNDERPAYMENT_TOLERANCE", "0,5"),
    ("KEEP_WATCHING_DAYS", "3651"),
    ("KEEP_WATCHING_DAYS", "1.5"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_one_line_that_names_the_variable_and_not_the_value(name: str, value: str) -> None:
    environ = {"TOKEN": "sesame"} | {name: value}
    with pytest.raises(ExceptionGroup) as caught:
        DaemonSettings.load(Variables(environ))
    (line,) = [str(mistake) for mistake in flatten(caught.value)]
    assert line.startswith(f"{name}: must be ")
    assert "\n" not in line
    assert value not in line
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_LEVEL", "debug"),
        ("METRICS", "OFF"),
        ("METRICS", "[::1]:9108"),
        ("METRICS", "localhost:0"),
        ("POSTGRES_URI", "postgres://u:p@h:5432/d?sslmode=require"),
        ("POSTGRES_URI", "postgresql:///d?host=/run/postgresql"),
        ("POSTGRES_URI", "postgresql://h1:5432,h2:5432/d"),
        ("WEBHOOK_ENDPOINT", "http://[::1]:9000/hook?key=1"),
        ("WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("WEBHOOK_SECRET", f"{WEBHOOK_SECRET}, {WEBHOOK_SECRET}"),
        ("WEBHOOK_ALLOW_HTTP", "on"),
        ("WEBHOOK_ALLOW_NETWORKS", "10.0.0.0/8, fd00::/8,192.168.1.7"),
        ("DOMAIN", "localhost:8443"),
        ("CHAINS", " ton, tari,ton "),
        ("MIGRATE", "off"),
        ("PORT", "0"),
        ("KEEP_WATCHING_DAYS", "0"),
        ("RATE_CURRENCIES", "usd, EUR,USD"),
        ("RATE_VALID_SECS", "1"),
        ("RATE_MAX_JUMP", "1000"),
    ],
)
def test_a_right_value_is_taken(name: str, value: str) -> None:
    load(**{name: value})


@pytest.mark.parametrize(("percent", "ppm"), [("0", 0), ("0.5", 5_000), ("2.0001", 20_001), ("50", 500_000)])
def test_a_tolerance_in_percent_is_kept_in_millionths(percent: str, ppm: int) -> None:
    assert load(UNDERPAYMENT_TOLERANCE=percent).underpayment_tolerance == ppm


def test_all_mistakes_of_core_and_adapters_are_told_at_once() -> None:
    variables = Variables({"PORT": "x", "CHAINS": "memory,mars", "MEMORY_FAULT": "explodes", "MEMORY_KEY": SECRET})
    with pytest.raises(ExceptionGroup) as caught:
        configure(DaemonSettings, variables, {"memory": memory_adapter.plugin}, ManualClock())
    lines = [str(mistake) for mistake in flatten(caught.value)]
    assert [line.partition(":")[0] for line in lines] == ["TOKEN", "PORT", "CHAINS", "MEMORY_FAULT", "MEMORY_KEY"]
    assert "mars" in lines[2]
    assert "installed: memory" in lines[2]


def test_an_adapters_variables_come_from_the_same_places_and_its_secrets_are_known(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("123456\n")
    variables = Variables(
        {"CHAINS": "memory", "MEMORY_KEY_FILE": str(tmp_path / "key"), "HARVESTER_MEMORY_FAULT": "sick"}
    )
    configuration = configure(Settings, variables, {"memory": memory_adapter.plugin}, ManualClock())
    (adapter,) = configuration.adapters
    assert adapter.health().reasons == ("no node answers",)
    assert configuration.secrets == {"123456"}


def test_an_adapters_unreadable_file_is_not_told_a_second_time_as_missing() -> None:
    def build(_context: AdapterContext) -> Adapter:
        raise ConfigurationError("KEY: is not set")

    plugin = AdapterPlugin("picky", build, frozenset({"KEY"}))
    with pytest.raises(ExceptionGroup) as caught:
        configure(Settings, Variables({"CHAINS": "picky", "KEY_FILE": "/nowhere"}), {"picky": plugin}, ManualClock())
    (line,) = [str(mistake) for mistake in flatten(caught.value)]
    assert line.startswith("KEY_FILE: ")


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings of a daemon, beside an installed source of rates."""
    rate_plugin.install(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return {"TOKEN": "sesame", "CHAINS": "memory"}


def test_the_source_of_rates_is_built_from_its_own_settings(sources: dict[str, str]) -> None:
    environ = sources | {"RATE_SOURCE": "oracle", "ORACLE_FILE": "/rates", "HARVESTER_ORACLE_KEY": SECRET}
    configuration = configure(DaemonSettings, Variables(environ), {"memory": memory_adapter.plugin}, ManualClock())
    assert isinstance(configuration.rate_source, rate_plugin.FileSource)
    assert SECRET in configuration.secrets
    configuration = configure(DaemonSettings, Variables(sources), {"memory": memory_adapter.plugin}, ManualClock())
    assert configuration.rate_source is None


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("oracle", "ORACLE_FILE: is not set"),
        ("orakel", "RATE_SOURCE: no source called 'orakel' is installed (installed: broken, oracle)"),
        ("broken", "RATE_SOURCE: the source 'broken' cannot be loaded"),
    ],
)
def test_a_source_of_rates_that_cannot_be_used_is_told_of(sources: dict[str, str], name: str, line: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        configure(
            DaemonSettings,
            Variables(sources | {"RATE_SOURCE": name}),
            {"memory": memory_adapter.plugin},
            ManualClock(),
        )
    [mistake] = flatten(caught.value)
    assert str(mistake).startswith(line)


def test_adapters_register_their_metrics_where_the_core_does() -> None:
    configuration = configure(
        Settings, Variables({"CHAINS": "memory"}), {"memory": memory_adapter.plugin}, ManualClock()
    )
    assert isinstance(configuration.registry, CollectorRegistry)


def test_no_form_of_the_settings_shows_a_secret() -> None:
    settings = load(
        TOKEN=SECRET, POSTGRES_URI=f"postgres://u:{SECRET}@h/d", WEBHOOK_ENDPOINT=f"https://shop.example/{SECRET}"
    )
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())):
        assert SECRET not in shown


def test_the_password_in_the_uri_counts_as_a_secret_in_both_spellings() -> None:
    settings = load(POSTGRES_URI="postgres://u:a%40b%2Fc@h/d")
    assert {"a%40b%2Fc", "a@b/c"} <= settings.secrets()
