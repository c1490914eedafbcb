"""Reading the configuration: sources, `$NAME`, overrides, conversion, checks and what the errors say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from provider.config.checks import RANGES
from provider.config.loading import load_settings
from provider.config.parsing import section_keys, strip_optional
from provider.config.settings import Bytes, DatabaseSettings, LimitSettings, MountSettings, ProxySettings, Settings
from provider.config.yaml_text import YamlError, read_yaml
from provider.domain.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "config.yaml"
SECRET = "hunter2-and-more"


def load(source: Mapping[str, object] | None = None, **environ: str) -> Settings:
    return load_settings({} if source is None else source, environ=environ)


def error_of(source: Any = None, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings({} if source is None else source, environ=environ)
    message = str(caught.value)
    assert message.isprintable(), "one line"
    return message


def write(directory: Path, text: str | bytes) -> Path:
    path = directory / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def numeric_keys(settings: Any, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, hint in section_keys(type(settings)).items():
        value, key = getattr(settings, name), f"{prefix}{name}"
        if is_dataclass(value):
            found |= numeric_keys(value, f"{key}.")
        elif strip_optional(hint) in (int, float, Bytes):
            found.add(key)
    return found


# --- sources ---


def test_without_a_source_and_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/sandbox-ledger.db"
    assert load_settings(environ={}) == Settings(database=DatabaseSettings(url=url))


def test_without_a_source_the_file_in_the_working_directory_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "sandbox: {replicas: 7}")
    monkeypatch.chdir(tmp_path)
    settings = load_settings(environ={})
    assert (settings.sandbox.replicas, settings.source) == (7, "config.yaml")


def test_without_a_source_an_environment_variable_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    named = write(elsewhere, "sandbox: {replicas: 8}")
    write(tmp_path, "sandbox: {replicas: 7}")
    monkeypatch.chdir(tmp_path)
    environ = {"SANDBOX_LEDGER_CONFIG": str(named)}
    settings = load_settings(environ=environ)
    assert (settings.sandbox.replicas, settings.source) == (8, f"{named} (named by SANDBOX_LEDGER_CONFIG)")
    assert settings.database.url == f"sqlite:///{elsewhere}/sandbox-ledger.db"
    assert load_settings("config.yaml", environ=environ).sandbox.replicas == 7
    assert load_settings({}, environ=environ).sandbox.replicas == 3
    assert load_settings(environ={"SANDBOX_LEDGER_CONFIG": ""}).sandbox.replicas == 7


def test_a_named_file_that_is_missing_is_an_error_that_says_who_named_it(tmp_path: Path) -> None:
    environ = {"SANDBOX_LEDGER_CONFIG": str(tmp_path / "none.yaml")}
    with pytest.raises(ConfigError, match=r"none.yaml \(named by SANDBOX_LEDGER_CONFIG\): no such file"):
        load_settings(environ=environ)


def test_a_path_may_be_text_or_path_like(tmp_path: Path) -> None:
    path = write(tmp_path, "web:\n  port: 9000\n")
    assert load_settings(path, environ={}) == load_settings(str(path), environ={})
    assert load_settings(path, environ={}).web.port == 9000


def test_settings_come_back_unchanged_and_ignore_the_environment() -> None:
    settings = Settings()
    assert load_settings(settings, environ={"SANDBOX_LEDGER__SANDBOX__REPLICAS": "9"}) is settings


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_LEDGER__SANDBOX__REPLICAS", "9")
    assert load_settings({}).sandbox.replicas == 9


def test_an_empty_file_and_empty_sections_keep_the_defaults(tmp_path: Path) -> None:
    empty = load_settings(write(tmp_path, ""), environ={})
    sections = load_settings(write(tmp_path, "sandbox:\n  mounts:\n  limits:\nworker:\n"), environ={})
    assert empty == sections


def test_the_shipped_file_says_exactly_the_defaults(tmp_path: Path) -> None:
    shipped = load_settings(SHIPPED, environ={})
    assert shipped.database.url == f"sqlite:///{SHIPPED.parent}/sandbox-ledger.db"
    assert replace(shipped, database=DatabaseSettings(), source="defaults") == Settings()


def test_the_shipped_file_has_every_key() -> None:
    def assert_complete(given: Mapping[str, object], settings: Any) -> None:
        assert set(given) == {entry.name for entry in fields(settings)} - {"source"}
        for key, value in given.items():
            if isinstance(value, dict):
                assert_complete(value, getattr(settings, key))

    assert_complete(yaml.safe_load(SHIPPED.read_text()), Settings())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sandbox:\n  port: [", "line 2"),
        ("sandbox: {}\nsandbox: {}", "line 2: a key is given twice"),
        ("- sandbox", "is a list, must be a mapping"),
        ("just text", "is text, must be a mapping"),
        ("a: \x07", "line 1: a character that YAML does not allow"),
        ("a: 2024-13-45", "a value cannot be read"),
        (b"\xff\xfe\xff", "not UTF-8"),
        ("1: x", "has a key that is not text"),
        ("source: here", "source: unknown key"),
    ],
)
def test_a_broken_file_is_a_clear_error(tmp_path: Path, text: str | bytes, expected: str) -> None:
    path = write(tmp_path, text)
    message = error_of(path)
    assert message.startswith(f"{path}: ")
    assert expected in message


def test_a_file_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    assert "no such file" in error_of(tmp_path / "missing.yaml")
    assert "cannot be read" in error_of(tmp_path)
    assert "cannot be read" in error_of("nul\0nul")


def test_a_merge_key_is_no_duplicate(tmp_path: Path) -> None:
    text = "worker: &base {lease_time: 60}\nsandbox:\n  limits:\n    <<: {cpus: 2.0, pids: 5}\n    pids: 6\n"
    assert load_settings(write(tmp_path, text), environ={}).sandbox.limits == LimitSettings(cpus=2.0, pids=6)


# --- references to the environment ---


def test_references_are_resolved_anywhere() -> None:
    settings = load(
        {
            "database": {"url": "$URL"},
            "sandbox": {
                "port": "$PORT",
                "limits": {"memory": "$MEMORY"},
                "mounts": [{"host_path": "$DATA", "container_path": "/data"}],
                "environment": {"TOKEN": "$TOKEN", "NUMBER": "$PORT"},
            },
        },
        URL="postgresql://db/ledger",
        PORT="8080",
        MEMORY="512m",
        DATA="/srv/data",
        TOKEN="# : [ 'x",
    )
    assert settings.database.url == "postgresql+psycopg://db/ledger"
    assert settings.sandbox.port == 8080
    assert settings.sandbox.limits.memory == 512 * 1024**2
    assert settings.sandbox.mounts == (MountSettings(host_path="/srv/data", container_path="/data"),)
    assert settings.sandbox.environment == {"TOKEN": "# : [ 'x", "NUMBER": "8080"}


def test_a_doubled_dollar_and_dollars_inside_text_stay() -> None:
    given = {"A": "$$HOME", "B": "$$$5", "C": "a $HOME", "D": "$5", "E": "${HOME}"}
    settings = load({"sandbox": {"environment": given}}, HOME="/root")
    assert settings.sandbox.environment == {"A": "$HOME", "B": "$$5", "C": "a $HOME", "D": "$5", "E": "${HOME}"}


def test_a_resolved_value_is_not_resolved_again() -> None:
    assert load({"sandbox": {"environment": {"A": "$ONE"}}}, ONE="$TWO").sandbox.environment == {"A": "$TWO"}


def test_a_missing_variable_is_named_with_its_key() -> None:
    message = error_of({"sandbox": {"environment": {"KEY": "$API_KEY"}}})
    assert message.startswith("mapping: sandbox.environment.KEY: environment variable API_KEY is not set")


# --- overrides ---


def test_variables_override_the_source_at_any_depth() -> None:
    source = {"sandbox": {"replicas": 5, "limits": {"memory": "1g", "pids": 7}}}
    settings = load(
        source,
        SANDBOX_LEDGER__SANDBOX__REPLICAS="6",
        SANDBOX_LEDGER__SANDBOX__LIMITS__MEMORY="512m",
        SANDBOX_LEDGER__SANDBOX__AUTO_RESTART="false",
        SANDBOX_LEDGER__SANDBOX__MOUNTS="[{host_path: /a, container_path: /b}]",
        SANDBOX_LEDGER__SANDBOX__SECURITY__CAPABILITIES="[]",
        SANDBOX_LEDGER__SANDBOX__SECURITY__USER="1000",
        SANDBOX_LEDGER__SANDBOX__NETWORK="",
        SANDBOX_LEDGER__WEB__AUTH="'proxy'",
        SANDBOX_LEDGER__WEB__PROXY="{trusted_addresses: [10.0.0.7], roles: {sre: operator}}",
    )
    assert settings.sandbox.replicas == 6
    assert settings.sandbox.limits == LimitSettings(memory=Bytes(512 * 1024**2), pids=7)
    assert settings.sandbox.auto_restart is False
    assert settings.sandbox.mounts == (MountSettings(host_path="/a", container_path="/b"),)
    assert settings.sandbox.security.capabilities == ()
    assert settings.sandbox.security.user == "1000"
    assert settings.sandbox.network is None
    assert settings.web.auth == "proxy"
    assert settings.web.proxy == ProxySettings(trusted_addresses=("10.0.0.7",), roles={"sre": "operator"})
    assert source == {"sandbox": {"replicas": 5, "limits": {"memory": "1g", "pids": 7}}}, "the source is untouched"


def test_overridden_environment_names_keep_their_case_and_their_text() -> None:
    settings = load(
        {"sandbox": {"environment": {"Old": "1"}}},
        SANDBOX_LEDGER__SANDBOX__ENVIRONMENT__Api__Key="8080",
        SANDBOX_LEDGER__SANDBOX__ENVIRONMENT__EMPTY="",
        SANDBOX_LEDGER__SANDBOX__ENVIRONMENT__REFERENCE="$OTHER",
        OTHER="there",
    )
    assert settings.sandbox.environment == {"Old": "1", "Api__Key": "8080", "EMPTY": "", "REFERENCE": "there"}


def test_a_section_variable_comes_before_its_keys() -> None:
    settings = load(SANDBOX_LEDGER__SANDBOX__LIMITS__PIDS="9", SANDBOX_LEDGER__SANDBOX__LIMITS="{cpus: 3, pids: 4}")
    assert settings.sandbox.limits == LimitSettings(cpus=3.0, pids=9)


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("SANDBOX__PROT", "1", "sandbox.prot: unknown key; did you mean port?"),
        ("SANBOX__PORT", "1", "sanbox: unknown key; did you mean sandbox?"),
        ("SANDBOX__PORT__X", "1", "sandbox.port.x: unknown key; allowed here: no key"),
        ("SANDBOX__PORT", "[", "sandbox.port: is set by an environment variable whose text is not valid YAML"),
        ("SANDBOX__PORT", "no", "sandbox.port: is a boolean (False), must be a whole number"),
        ("SANDBOX__PORT", "70000", "sandbox.port: is a number (70000), must be between 1 and 65535"),
        ("SANDBOX__LIMITS", "5", "sandbox.limits: is a number, must be a mapping"),
        ("SOURCE", "x", "source: unknown key"),
        ("", "x", "unknown key"),
    ],
)
def test_a_wrong_override_names_its_variable(variable: str, text: str, expected: str) -> None:
    name = f"SANDBOX_LEDGER__{variable}"
    message = error_of({}, **{name: text})
    assert message.startswith(f"environment variable {name}: ")
    assert expected in message


def test_other_variables_with_a_similar_name_are_ignored() -> None:
    assert load({}, SANDBOX_LEDGER_PORT="tcp://10.0.0.1", SANDBOX_LEDGER="x") == load({})


# --- conversion ---


@pytest.mark.parametrize(
    ("given", "size"),
    [
        (10_000_000, 10_000_000),
        ("10000000", 10_000_000),
        ("512m", 512 * 1024**2),
        ("1g", 1024**3),
        ("65536k", 64 * 1024**2),
        ("2GiB", 2 * 1024**3),
        ("1.5 gb", 3 * 512 * 1024**2),
        ("1T", 1024**4),
    ],
)
def test_sizes(given: object, size: int) -> None:
    assert load({"sandbox": {"limits": {"memory": given}}}).sandbox.limits.memory == size


def test_a_whole_number_serves_as_a_float_and_null_lifts_a_limit() -> None:
    settings = load({"sandbox": {"idle_timeout": 0, "limits": {"cpus": None, "memory": None, "pids": None}}})
    assert isinstance(settings.sandbox.idle_timeout, float)
    assert settings.sandbox.limits == LimitSettings(cpus=None, memory=None, pids=None)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        (
            "idel_timeout",
            1,
            "unknown key; did you mean idle_timeout? allowed here: acquire_timeout, auth, auto_",
        ),
        ("zzz", 1, "unknown key; allowed here: acquire_timeout"),
        ("backend", "dockr", "is text ('dockr'), must be one of docker, process"),
        ("backend", 1, "is a number (1), must be one of docker, process"),
        ("backend", ["docker"], "is a list, must be one of docker, process"),
        ("replicas", True, "is a boolean (True), must be a whole number"),
        ("replicas", 1.5, "is a number (1.5), must be a whole number"),
        ("replicas", None, "is empty (null), must be a whole number"),
        ("replicas", "3", "is text ('3'), must be a whole number"),
        ("auto_restart", 1, "is a number (1), must be true or false"),
        ("idle_timeout", "ten", "is text ('ten'), must be a finite number"),
        ("idle_timeout", float("nan"), "must be a finite number"),
        ("image", 1.0, "is a number (1.0), must be text; put it in quotes"),
        ("limits", 5, "is a number, must be a mapping"),
        ("mounts", {"host_path": "/a"}, "is a mapping, must be a list"),
        ("image", "", "must not be empty"),
        ("network", " ", "must not be empty"),
        ("container_prefix", "-x", "is text ('-x'), must be 1 to 32 letters"),
        ("container_prefix", "x" * 33, "must be 1 to 32 letters"),
    ],
)
def test_a_wrong_value_names_the_key_and_what_is_allowed(key: str, value: object, expected: str) -> None:
    message = error_of({"sandbox": {key: value}})
    assert message.startswith(f"mapping: sandbox.{key}: ")
    assert expected in message


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"sandbox": {"mounts": [{"host_path": "/a"}]}}, "sandbox.mounts[0].container_path: is missing"),
        ({"sandbox": {"mounts": ["/a:/b"]}}, "sandbox.mounts[0]: is text, must be a mapping"),
        ({"sandbox": {"security": {"capabilities": [1]}}}, "sandbox.security.capabilities[0]: is a number (1)"),
        ({"sandbox": {"limits": {"memory": "many"}}}, "sandbox.limits.memory: is text ('many'), must be a size"),
        ({"sandbox": {"readiness": {"path": "v1"}}}, "sandbox.readiness.path: is text ('v1'), must be a path"),
        ({"sandbox": {"environment": {"A=B": "x"}}}, "sandbox.environment.A=B: is no name for"),
        ({"sandbox": {"environment": {"A": "\0"}}}, "sandbox.environment.A: must not contain NUL"),
        ({"worker": {"lease_time": 5}}, "worker.lease_time: is a number (5.0), must be more than"),
        ({"sandbox": {"restart_backoff": {"max": 1}}}, "sandbox.restart_backoff.max: is a number (1.0), must be at"),
        ({"audit": {"seal_key": "fifteen letters"}}, "audit.seal_key: is too short to be a secret; give at least 16"),
        (
            {"audit": {"seal_sinks": ["seals.txt"]}},
            "audit.seal_sinks[0]: must be an absolute path, | and a",
        ),
        ({"audit": {"seal_sinks": ["/a", "| "]}}, "audit.seal_sinks[1]: must be an absolute path"),
        ({"audit": {"seal_sinks": ["https://"]}}, "audit.seal_sinks[0]: must be an absolute path"),
        ({"web": {"auth": "basic"}}, "web.auth: is text ('basic'), must be one of none, token, proxy"),
        ({"web\nauth": 1}, "web auth: unknown key"),
    ],
)
def test_errors_below_the_first_level(source: Mapping[str, object], expected: str) -> None:
    assert expected in error_of(source)


@pytest.mark.parametrize("name", ["host_path", "container_path"])
@pytest.mark.parametrize("path", ["relative", "~/home", "", "/a\nb"])
def test_mount_paths_are_absolute(name: str, path: str) -> None:
    mount = {"host_path": "/a", "container_path": "/b", name: path}
    assert f"sandbox.mounts[0].{name}: is text" in error_of({"sandbox": {"mounts": [mount]}})


def test_two_mounts_cannot_share_a_place() -> None:
    mounts = [{"host_path": "/a", "container_path": path} for path in ("/data", "/data/")]
    assert "sandbox.mounts[1].container_path: " in error_of({"sandbox": {"mounts": mounts}})


def test_a_number_too_long_to_print_is_refused() -> None:
    assert "is a number (too long to show), must be a finite" in error_of({"sandbox": {"idle_timeout": 10**5000}})


def test_every_number_has_a_range() -> None:
    assert numeric_keys(Settings()) == set(RANGES)


@pytest.mark.parametrize("key", sorted(RANGES))
@pytest.mark.parametrize("side", [0, 1])
def test_numbers_outside_their_range_are_refused(key: str, side: int) -> None:
    bound = RANGES[key][side]
    value: object = bound - 1 if side == 0 else bound + 1
    for part in reversed(key.split(".")):
        value = {part: value}
    assert f"mapping: {key}: is a number" in error_of(value)


# --- the database's address ---


def test_a_relative_sqlite_path_in_a_file_is_relative_to_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "database: {url: 'sqlite:///data/ledger.db?timeout=5'}")
    monkeypatch.chdir(tmp_path.parent)
    settings = load_settings(Path(tmp_path.name) / "config.yaml", environ={})
    assert settings.database.url == f"sqlite:///{tmp_path}/data/ledger.db?timeout=5"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("sqlite:///ledger.db", "sqlite:///{cwd}/ledger.db"),
        ("sqlite:////var/lib/ledger.db", "sqlite:////var/lib/ledger.db"),
        ("postgresql://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("postgresql+psycopg://u:p@h/db?sslmode=require", "postgresql+psycopg://u:p@h/db?sslmode=require"),
    ],
)
def test_database_addresses_are_normalised(
    given: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({"database": {"url": given}}).database.url == expected.format(cwd=tmp_path)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file:x?mode=memory"])
def test_a_database_in_memory_is_refused_with_the_reason(url: str) -> None:
    assert "several processes share the ledger" in error_of({"database": {"url": url}})


@pytest.mark.parametrize("url", [f"mysql://u:{SECRET}@h/db", SECRET, f"sqlite://{SECRET}", f"sqlite:///{SECRET}\n", ""])
def test_other_addresses_are_refused_without_showing_them(url: str) -> None:
    message = error_of({"database": {"url": url}})
    assert message.startswith("mapping: database.url: ")
    assert SECRET not in message


# --- secrets ---


@pytest.mark.parametrize(
    "source",
    [
        {"database": SECRET},
        {"database": {"url": [SECRET]}},
        {"database": {"url": 1.5}},
        {"sandbox": {"environment": SECRET}},
        {"sandbox": {"environment": [SECRET]}},
        {"sandbox": {"environment": {"A": [SECRET]}}},
        {"sandbox": {"environment": {"A": 20240229}}},
        {"sandbox": {"backend": "$VALUE"}},
        {"sandbox": {"replicas": "$VALUE"}},
        {"sandbox": {"limits": {"memory": "$VALUE"}}},
        {"sandbox": {"mounts": "$VALUE"}},
        {"sandbox": {"mounts": "$BROKEN"}},
    ],
)
def test_no_message_shows_a_secret(source: Mapping[str, object]) -> None:
    message = error_of(source, VALUE=SECRET, BROKEN=f"[{SECRET}")
    assert SECRET not in message
    assert "1.5" not in message
    assert "20240229" not in message


@pytest.mark.parametrize("text", [f"url: *{SECRET}", f"url: !{SECRET} x", f"url: {SECRET}: x", f"url: '{SECRET}"])
def test_no_broken_yaml_shows_a_secret(tmp_path: Path, text: str) -> None:
    message = error_of(write(tmp_path, text))
    assert "line 1" in message
    assert SECRET not in message


# --- whatever comes in, nothing but ConfigError comes out ---

_SECTIONS = [entry.name for entry in fields(Settings)]
_names = st.sampled_from([*_SECTIONS, *(key.rpartition(".")[2] for key in RANGES), "mounts", "url", "environment"])
_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["$A", "$$A", "$MISSING", "512m", "docker", "sqlite:///x", "/a"])
    | st.dates()
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
_variables = st.sampled_from([f"SANDBOX_LEDGER__{key.replace('.', '__').upper()}" for key in RANGES]) | st.builds(
    "SANDBOX_LEDGER__{}__{}".format, _names, st.text(max_size=8)
)


@given(source=st.dictionaries(_names, _values, max_size=4), variable=st.text(max_size=20))
def test_any_data_gives_settings_or_a_config_error(source: dict[str, object], variable: str) -> None:
    with suppress(ConfigError):
        load_settings(source, environ={"A": variable})


@given(environ=st.dictionaries(_variables, st.text(max_size=20) | _scalars.map(str), max_size=3))
def test_any_override_gives_settings_or_a_config_error(environ: dict[str, str]) -> None:
    with suppress(ConfigError):
        load_settings({}, environ=environ)


@given(text=st.text(max_size=60) | st.text("[]{}:,&*!<>|-\"'% \n\t#x0b", max_size=40) | _values.map(str))
def test_any_text_is_yaml_or_a_yaml_error(text: str) -> None:
    with suppress(YamlError):
        read_yaml(text)


@pytest.mark.parametrize("text", ["[" * 5000, '!!int ""', "!!bool x", "!!timestamp x", "!!float x", "=", "9" * 5000])
def test_what_pyyaml_lets_through_is_a_yaml_error(text: str) -> None:
    with pytest.raises(YamlError):
        read_yaml(text)


@given(
    port=st.integers(1, 65535),
    cpus=st.floats(0.01, 1000),
    name=st.from_regex(r"[A-Za-z0-9][\w.-]{0,9}", fullmatch=True),
)
def test_valid_values_survive_a_file(
    tmp_path_factory: pytest.TempPathFactory, port: int, cpus: float, name: str
) -> None:
    source = {"sandbox": {"port": port, "limits": {"cpus": cpus}, "environment": {"NAME": name}}}
    path = write(tmp_path_factory.getbasetemp(), yaml.safe_dump(source))
    sandbox = load_settings(os.fspath(path), environ={}).sandbox
    assert (sandbox.port, sandbox.limits.cpus, sandbox.environment) == (port, cpus, {"NAME": name})
