"""Read the configuration: one YAML file or mapping, `$NAME` references, and environment variables over both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from provider.config.checks import check_settings
from provider.config.database_url import normalise_url
from provider.config.overrides import apply_overrides
from provider.config.parsing import as_mapping, parse_section
from provider.config.place import KeyPlace
from provider.config.publish_address import resolve_host
from provider.config.settings import Settings

__all__ = ["DEFAULT_PATH", "PATH_VARIABLE", "load_settings"]

DEFAULT_PATH = Path("config.yaml")
PATH_VARIABLE = "SANDBOX_LEDGER_CONFIG"
LARGEST_FILE = 256 * 1024
"""In bytes: what is larger takes the parser a noticeable time."""

Source = Settings | Mapping[str, object] | str | os.PathLike[str] | None


def load_settings(source: Source = None, *, environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the configuration, or raise `ConfigError` with one line about the first mistake.

    Without a source, the file that `SANDBOX_LEDGER_CONFIG` names is read, else `config.yaml` in the working directory
    if there is one. `Settings` come back unchanged. A relative SQLite path is taken from the file's directory, or from
    the working directory if no file was read, and made absolute, so that all processes share one ledger.
    """
    if isinstance(source, Settings):
        return source
    environment = os.environ if environ is None else environ
    named = environment.get(PATH_VARIABLE)
    if source is None and not named and not DEFAULT_PATH.exists():
        return _build({}, KeyPlace(source="defaults", environ=environment), _absolute(Path()))
    if isinstance(source, Mapping):
        return _build(source, KeyPlace(source="mapping", environ=environment), _absolute(Path()))
    path = Path(named or DEFAULT_PATH) if source is None else Path(source)
    origin = f"{path} (named by {PATH_VARIABLE})" if source is None and named else str(path)
    return _build(_read_file(path, origin), KeyPlace(source=origin, environ=environment), _absolute(path).parent)


def _build(raw: object, place: KeyPlace, directory: Path) -> Settings:
    tree, variables = apply_overrides(as_mapping(raw, place), place)
    place = replace(place, variables=variables)
    settings = parse_section(Settings, tree, place)
    check_settings(settings, place)
    url = normalise_url(settings.database.url, directory, place.at("database.url"))
    host = resolve_host(settings.sandbox, place.at("sandbox.host"))
    return replace(
        settings,
        database=replace(settings.database, url=url),
        sandbox=replace(settings.sandbox, host=host),
        source=place.source,
    )


def _read_file(path: Path, origin: str) -> object:
    # Imported here, as everywhere: without a file nothing needs PyYAML.
    from provider.config.yaml_text import YamlError, read_yaml

    place = KeyPlace(source=origin)
    try:
        return read_yaml(_read_text(path, place))
    except FileNotFoundError:
        raise place.error("no such file; give the path of a configuration, or none to use the defaults") from None
    except OSError as error:
        raise place.error(f"cannot be read: {error.strerror or type(error).__name__}") from error
    except YamlError as error:
        raise place.error(f"is not valid YAML: {error}") from None
    except ValueError:
        raise place.error("cannot be read: its name or its text is not UTF-8 text") from None


def _read_text(path: Path, place: KeyPlace) -> str:
    with path.open("rb") as file:
        raw = file.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise place.error(f"is larger than {LARGEST_FILE // 1024} KiB; that is no configuration")
    return raw.decode()


def _absolute(path: Path) -> Path:
    try:
        return path.absolute()
    except OSError as error:
        raise KeyPlace(source=str(path)).error("the working directory does not exist any more") from error
