"""Bring `sandbox.host` into an address: what is no address would be published on every interface by the engine."""

from __future__ import annotations

import ipaddress
import os
import socket

from provider.config.dangers import is_everywhere
from provider.config.place import KeyPlace
from provider.config.settings import SandboxSettings


def resolve_host(sandbox: SandboxSettings, place: KeyPlace) -> str:
    """Return the address that `sandbox.host` means, or raise `ConfigError`.

    A name is resolved once, when the configuration is read; its IPv4 address goes first. Where the engine is on this
    machine, the address must be one of this machine's.
    """
    address = _find_address(sandbox.host, place)
    if is_everywhere(address) and not is_everywhere(sandbox.host):
        raise place.error(f"({sandbox.host}) means every interface; write {address} if you mean that")
    if _is_local(sandbox) and not is_everywhere(address) and not _is_own(address):
        shown = sandbox.host if sandbox.host == address else f"{sandbox.host}, which is {address}"
        raise place.error(f"({shown}) is no address of this machine; use one that it has, such as 127.0.0.1")
    return address


def _find_address(host: str, place: KeyPlace) -> str:
    try:
        address = ipaddress.ip_address(host.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        return _resolve(host, place)
    if getattr(address, "scope_id", None):
        raise place.wrong(host, "an address without a zone")
    return str(getattr(address, "ipv4_mapped", None) or address)


def _resolve(name: str, place: KeyPlace) -> str:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise place.error(f"({name}) is no address, and no name that this machine can resolve") from None
    found.sort(key=lambda one: one[0] != socket.AF_INET)
    return str(found[0][4][0]).partition("%")[0]


def _is_local(sandbox: SandboxSettings) -> bool:
    engine = sandbox.engine or os.environ.get("DOCKER_HOST") or "unix://"
    return sandbox.backend == "process" or engine.startswith("unix:")


def _is_own(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
