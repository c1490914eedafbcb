"""Refuse what would open a sandbox, the host or the dashboard, unless `sandbox.security.allow_unsafe` names its key.

What cannot work, or cannot be meant, is refused in any case.
"""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from provider.config.place import KeyPlace
from provider.config.settings import MountSettings, Settings

_CAPABILITIES = """
    AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER
    FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE
    NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE
    SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM ALL
"""
_HARMLESS = """
    AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL LEASE NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT
    SYS_NICE
"""  # they give a process in a container nothing outside of it
CAPABILITIES, HARMLESS = frozenset(_CAPABILITIES.split()), frozenset(_HARMLESS.split())

# Whoever may read or write these holds the host, or its secrets.
_TREES_OF_THE_HOST = """
    /boot /dev /etc /lib/modules /proc /root/.ssh /run /sys /var/lib/containerd /var/lib/containers /var/lib/docker
    /var/lib/kubelet /var/spool/cron
"""
_DIRECTORIES_OF_THE_HOST = "/bin /home /lib /lib64 /sbin /usr /usr/bin /usr/lib"
# Without these a container does not come up, or the server in it is no longer ours.
_TREES_INSIDE = "/dev /proc /sys /run/sandboxd /usr/local/lib/sandbox-ledger"
_DIRECTORIES_INSIDE = "/ /bin /etc /lib /lib64 /run /sbin /usr /usr/bin /usr/lib /usr/local /usr/local/lib"


def _paths(text: str) -> tuple[PurePosixPath, ...]:
    return tuple(map(PurePosixPath, text.split()))


_HOST_TREES, _INNER_TREES = _paths(_TREES_OF_THE_HOST), _paths(_TREES_INSIDE)
_HOST_DIRECTORIES, _INNER_DIRECTORIES = _paths(_DIRECTORIES_OF_THE_HOST), _paths(_DIRECTORIES_INSIDE)
_SHARED_MEMORY = PurePosixPath("/dev/shm")  # noqa: S108 -- files like any others

_EMPTY_TOKEN = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # noqa: S105 -- of the empty text
_BROADEST = {4: 8, 6: 16}
"""The shortest prefix of a network of trusted proxies."""

MAY_HOLD_LINES = frozenset({"sandbox.environment"})
"""Keys whose values may have several lines, such as a key in PEM."""


@dataclasses.dataclass(frozen=True, slots=True)
class Danger:
    """One value that is refused unless `allow_unsafe` names `allowed_by`."""

    key: str
    allowed_by: str
    reason: str


def check_dangers(settings: Settings, place: KeyPlace) -> None:
    """Raise `ConfigError` for the first value that is dangerous and not allowed by name."""
    _check_texts(settings, place)
    _check_senseless(settings, place)
    allowed = settings.sandbox.security.allow_unsafe
    for index, key in enumerate(allowed):
        if key not in ALLOWABLE:
            here = place.at("sandbox.security.allow_unsafe").item(index)
            raise here.wrong(key, f"one of {', '.join(sorted(ALLOWABLE))}")
    for danger in find_dangers(settings):
        if danger.allowed_by not in allowed:
            raise place.at(danger.key).error(
                f"{danger.reason}; change it, or allow it by sandbox.security.allow_unsafe: [{danger.allowed_by}]"
            )


def find_dangers(settings: Settings) -> Sequence[Danger]:
    """List what is dangerous in these settings, allowed or not: `doctor` shows it."""
    return [*_find_mounts(settings), *_find_container(settings), *_find_proxies(settings)]


def _find_mounts(settings: Settings) -> Iterator[Danger]:
    for index, mount in enumerate(settings.sandbox.mounts):
        key = f"sandbox.mounts[{index}].host_path"
        for reason in _judge_source(mount, settings):
            yield Danger(key, "sandbox.mounts", f"({mount.host_path}) {reason}")
            break


def _judge_source(mount: MountSettings, settings: Settings) -> Iterator[str]:
    for path in sorted(_spellings(mount.host_path)):
        if path.suffix == ".sock":
            yield "is a socket, and behind it is a server of the host: with the engine's, a sandbox holds the host"
        elif path in _HOST_DIRECTORIES or any(tree == path or path in tree.parents for tree in _HOST_TREES):
            yield "holds the host's own files: a sandbox with them holds the host"
        elif any(tree in path.parents for tree in _HOST_TREES) and _SHARED_MEMORY not in (path, *path.parents):
            yield "is one of the host's own files: a sandbox with it holds the host, or reads its secrets"
        elif _holds_ledger(path, settings.database.url):
            yield "holds the ledger's own database: a sandbox could read it and write to it"


def _spellings(path: str) -> set[PurePosixPath]:
    """Return the path as it is written and as it is, because a link is followed by the engine."""
    found = {os.path.normpath(path)}
    with contextlib.suppress(OSError):  # only its owner can follow it: what is written is judged
        found.add(os.path.realpath(path))
    return {PurePosixPath("/" + one.lstrip("/")) for one in found}


def _holds_ledger(path: PurePosixPath, url: str) -> bool:
    file = url.removeprefix("sqlite:///").partition("?")[0] if url.startswith("sqlite:///") else ""
    database = PurePosixPath(os.path.realpath(file)) if file else None
    return database is not None and (path == database or path in database.parents)


def _find_container(settings: Settings) -> Iterator[Danger]:
    sandbox, security = settings.sandbox, settings.sandbox.security
    if is_everywhere(sandbox.host):
        yield Danger(
            "sandbox.host",
            "sandbox.host",
            f"({sandbox.host}) publishes the sandboxes' ports on every interface, so that other machines reach them",
        )
    for index, name in enumerate(security.capabilities):
        if bare_capability(name) not in HARMLESS:
            yield Danger(
                f"sandbox.security.capabilities[{index}]",
                "sandbox.security.capabilities",
                f"({name}) gives a sandbox power over the host or its network",
            )
    if security.seccomp == "unconfined":
        yield Danger(
            "sandbox.security.seccomp", "sandbox.security.seccomp", "(unconfined) lets a sandbox make every system call"
        )
    if not security.no_new_privileges:
        yield Danger(
            "sandbox.security.no_new_privileges",
            "sandbox.security.no_new_privileges",
            "(false) lets set-uid programs give root to a sandbox's commands",
        )


def _find_proxies(settings: Settings) -> Iterator[Danger]:
    if settings.web.auth != "proxy":
        return
    for index, address in enumerate(settings.web.proxy.trusted_addresses):
        network = ipaddress.ip_network(address, strict=False)
        if network.prefixlen < _BROADEST[network.version]:
            yield Danger(
                f"web.proxy.trusted_addresses[{index}]",
                "web.proxy.trusted_addresses",
                f"({address}) believes everybody who says that he is somebody: anybody could act as an operator",
            )


ALLOWABLE = frozenset(
    {
        "sandbox.host",
        "sandbox.mounts",
        "sandbox.security.capabilities",
        "sandbox.security.no_new_privileges",
        "sandbox.security.seccomp",
        "web.proxy.trusted_addresses",
    }
)
"""The keys that `allow_unsafe` may name."""


def is_everywhere(host: str) -> bool:
    """Whether an address stands for every interface."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_unspecified or (mapped is not None and mapped.is_unspecified)


def bare_capability(name: str) -> str:
    """Return a capability's name as the engine compares it: in capitals, without `CAP_`."""
    return name.upper().removeprefix("CAP_")


def _check_texts(settings: Settings, place: KeyPlace) -> None:
    for key, text in _walk(settings, ""):
        lines = any(key == one or key.startswith(f"{one}.") for one in MAY_HOLD_LINES)
        if "\0" in text or (not lines and re.search(r"[\r\n]", text)):
            raise place.at(key).error("must be one line of text, without control characters")


def _walk(value: object, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif dataclasses.is_dataclass(value):
        for entry in dataclasses.fields(value):
            if entry.name != "source":
                yield from _walk(getattr(value, entry.name), f"{key}.{entry.name}".lstrip("."))
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            yield from _walk(one, f"{key}[{index}]")
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _walk(one, f"{key}.{name}")


def _check_senseless(settings: Settings, place: KeyPlace) -> None:
    sandbox, security = settings.sandbox, settings.sandbox.security
    network = sandbox.network
    if network in ("host", "none") or (network or "").startswith("container:"):
        raise place.at("sandbox.network").error(
            f"({network}) is no network of sandboxes: they would share that of the host or of another container, "
            "or have none to be reached in; name a network, or leave it out (`sandbox.egress: none` closes the way out)"
        )
    if is_everywhere(sandbox.host) and sandbox.auth == "none":
        raise place.at("sandbox.host").error(
            f"({sandbox.host}) is every interface, and sandbox.auth is none: anybody could run commands in every "
            "sandbox; publish on 127.0.0.1, or let the sandboxes ask for their token"
        )
    if network is not None and sandbox.egress == "none":
        raise place.at("sandbox.egress").error(
            "(none) is kept by the ledger's own network; leave sandbox.network out, or close that network yourself"
        )
    for index, name in enumerate(security.capabilities):
        if bare_capability(name) not in CAPABILITIES:
            raise (
                place.at("sandbox.security.capabilities")
                .item(index)
                .wrong(name, "a capability of Linux, such as CHOWN")
            )
    if security.seccomp not in ("default", "unconfined"):
        _check_profile(security.seccomp, place.at("sandbox.security.seccomp"))
    for index, mount in enumerate(sandbox.mounts):
        target = PurePosixPath("/" + os.path.normpath(mount.container_path).lstrip("/"))
        if target in _INNER_DIRECTORIES or any(tree == target or tree in target.parents for tree in _INNER_TREES):
            raise (
                place.at("sandbox.mounts")
                .item(index)
                .at("container_path")
                .error(
                    f"({mount.container_path}) would hide what the sandbox runs on; choose another, such as /mnt/data"
                )
            )
    _check_tokens(settings, place)


def _check_profile(path: str, place: KeyPlace) -> None:
    try:
        found = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise place.error(f"({path}) cannot be read: {error.strerror or 'no such file'}") from None
    except ValueError:
        raise place.error(f"({path}) is no seccomp profile: it is not JSON") from None
    if not isinstance(found, dict) or "defaultAction" not in found:
        raise place.error(f"({path}) is no seccomp profile: it has no defaultAction")


def _check_tokens(settings: Settings, place: KeyPlace) -> None:
    seen: dict[str, str] = {}
    for index, token in enumerate(settings.web.tokens):
        here, digest = place.at("web.tokens").item(index).at("sha256"), token.sha256.lower()
        if digest == _EMPTY_TOKEN:
            raise here.error(
                "is the SHA-256 of the empty text: anybody could sign in; config.yaml says how to make one"
            )
        if digest in seen:
            raise here.error(f"is the same as that of {seen[digest]}: give each of them a token of their own")
        seen[digest] = token.name
