"""Check what types cannot say: ranges, order between values, names and paths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from operator import attrgetter
from pathlib import PurePosixPath
from typing import get_args, get_type_hints
from urllib.parse import urlsplit

from provider.config.dangers import check_dangers
from provider.config.place import KeyPlace
from provider.config.settings import Range, Settings
from provider.config.web_checks import check_web

# The prefix starts a container's name, which is also its host name: 63 characters together with id and generation.
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")

_SHORTEST_SEAL_KEY = 16


def list_ranges(section: type, prefix: str = "") -> Iterator[tuple[str, Range]]:
    """List the keys of a section that are numbers, with the range that stands at each."""
    for name, hint in get_type_hints(section, include_extras=True).items():
        if is_dataclass(hint):
            yield from list_ranges(hint, f"{prefix}{name}.")  # type: ignore[arg-type]
        for part in (hint, *get_args(hint)):  # a number, or a number or null
            yield from ((prefix + name, one) for one in getattr(part, "__metadata__", ()) if isinstance(one, Range))


RANGES: Mapping[str, Range] = dict(list_ranges(Settings))
"""Smallest and largest value of every number."""

_NOT_EMPTY = (
    "sandbox.image",
    "sandbox.engine",
    "sandbox.host",
    "sandbox.network",
    "sandbox.security.seccomp",
    "sandbox.security.user",
    "sandbox.security.runtime",
    "web.host",
    "web.proxy.user_header",
    "web.proxy.role_header",
)


def check_settings(settings: Settings, place: KeyPlace) -> None:
    """Raise `ConfigError` for the first value that cannot work."""
    checks = (
        _check_ranges, _check_order, _check_names, _check_mounts, _check_environment, _check_seal_key,
        _check_seal_sinks, check_web, check_dangers,
    )  # fmt: skip
    for check in checks:
        check(settings, place)


def _check_ranges(settings: Settings, place: KeyPlace) -> None:
    for key, (low, high) in RANGES.items():
        value = attrgetter(key)(settings)
        if value is not None and not low <= value <= high:
            raise place.at(key).wrong(value, f"between {low} and {high}")


def _check_order(settings: Settings, place: KeyPlace) -> None:
    worker, backoff = settings.worker, settings.sandbox.restart_backoff
    if worker.lease_time <= worker.heartbeat_interval:
        wanted = f"more than worker.heartbeat_interval ({worker.heartbeat_interval})"
        raise place.at("worker.lease_time").wrong(worker.lease_time, wanted)
    if backoff.max < backoff.initial:
        wanted = f"at least sandbox.restart_backoff.initial ({backoff.initial})"
        raise place.at("sandbox.restart_backoff.max").wrong(backoff.max, wanted)


def _check_names(settings: Settings, place: KeyPlace) -> None:
    for key in _NOT_EMPTY:
        value = attrgetter(key)(settings)
        if value is not None and not value.strip():
            raise place.at(key).error("must not be empty; leave the key out for its default")
    sandbox = settings.sandbox
    if not _PREFIX.fullmatch(sandbox.container_prefix):
        wanted = "1 to 32 letters, digits, _ . or -, the first one a letter or digit"
        raise place.at("sandbox.container_prefix").wrong(sandbox.container_prefix, wanted)
    if not sandbox.readiness.path.startswith("/"):
        raise place.at("sandbox.readiness.path").wrong(sandbox.readiness.path, "a path that starts with /")


def _check_mounts(settings: Settings, place: KeyPlace) -> None:
    used: set[PurePosixPath] = set()
    for index, mount in enumerate(settings.sandbox.mounts):
        here = place.at("sandbox.mounts").item(index)
        for name in ("host_path", "container_path"):
            path = getattr(mount, name)
            if not PurePosixPath(path).is_absolute() or not path.isprintable():
                raise here.at(name).wrong(path, "an absolute path")
        target = PurePosixPath(mount.container_path)
        if target in used:
            raise here.at("container_path").wrong(mount.container_path, "different in every mount")
        used.add(target)


def _check_environment(settings: Settings, place: KeyPlace) -> None:
    here = place.at("sandbox.environment")
    for name, value in settings.sandbox.environment.items():
        if not name or "=" in name or not name.isprintable():
            raise here.at(name).error("is no name for an environment variable")
        if "\0" in value:
            raise here.at(name).error("must not contain NUL characters")


def _check_seal_sinks(settings: Settings, place: KeyPlace) -> None:
    for index, sink in enumerate(settings.audit.seal_sinks):
        if sink.startswith(("http://", "https://")):
            fits = _has_host(sink)
        else:
            fits = bool(sink[1:].strip()) if sink.startswith("|") else PurePosixPath(sink).is_absolute()
        if not fits or not sink.isprintable():
            told = "must be an absolute path, | and a command, or an address that starts with http:// or https://"
            raise place.at("audit.seal_sinks").item(index).error(told)


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _check_seal_key(settings: Settings, place: KeyPlace) -> None:
    key = settings.audit.seal_key
    if key is not None and len(key.strip()) < _SHORTEST_SEAL_KEY:
        wanted = f"at least {_SHORTEST_SEAL_KEY} characters, best random ones such as `openssl rand -hex 32` gives"
        raise place.at("audit.seal_key").error(f"is too short to be a secret; give {wanted}")
