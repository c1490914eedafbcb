"""Sandbox Ledger: durable sandboxes for agents, with every lifecycle step an event in SQL."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provider.api import SandboxProvider
    from provider.bootstrap import open_provider
    from provider.config.settings import Settings
    from provider.domain.errors import (
        BackendUnavailable,
        CapacityExceeded,
        ConcurrencyError,
        ConfigError,
        CrashLoopBackOff,
        IdentityCollision,
        InvalidIdError,
        SandboxError,
        SandboxGone,
        SandboxNotFound,
        SandboxStartError,
        StoreUnavailable,
    )
    from provider.sandbox.sandbox import Restarted, Sandbox

__all__ = [
    "BackendUnavailable",
    "CapacityExceeded",
    "ConcurrencyError",
    "ConfigError",
    "CrashLoopBackOff",
    "IdentityCollision",
    "InvalidIdError",
    "Restarted",
    "Sandbox",
    "SandboxError",
    "SandboxGone",
    "SandboxNotFound",
    "SandboxProvider",
    "SandboxStartError",
    "Settings",
    "StoreUnavailable",
    "open_provider",
]

_ELSEWHERE = {
    "Restarted": "provider.sandbox.sandbox",
    "Sandbox": "provider.sandbox.sandbox",
    "SandboxProvider": "provider.api",
    "Settings": "provider.config.settings",
    "open_provider": "provider.bootstrap",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: the command line starts at once, and importing connects nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_ELSEWHERE.get(name, "provider.domain.errors")), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
