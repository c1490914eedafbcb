"""Sandbox Ledger: durable sandboxes for agents, with every lifecycle step an event in SQL."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provider.api import SandboxProvider
    from provider.bootstrap import open_provider
    from provider.config.settings import Settings
    from provider.domain.containers import Discovered, Evidence, Limits, Restarted, SandboxInfo, SandboxSpec
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
    from provider.ports.engine import (
        EngineDescription,
        Liveness,
        SandboxBackend,
        SupportsDescription,
        SupportsReadiness,
        Waitable,
    )
    from provider.sandbox.sandbox import Sandbox

__all__ = [
    "BackendUnavailable",
    "CapacityExceeded",
    "ConcurrencyError",
    "ConfigError",
    "CrashLoopBackOff",
    "Discovered",
    "EngineDescription",
    "Evidence",
    "IdentityCollision",
    "InvalidIdError",
    "Limits",
    "Liveness",
    "Restarted",
    "Sandbox",
    "SandboxBackend",
    "SandboxError",
    "SandboxGone",
    "SandboxInfo",
    "SandboxNotFound",
    "SandboxProvider",
    "SandboxSpec",
    "SandboxStartError",
    "Settings",
    "StoreUnavailable",
    "SupportsDescription",
    "SupportsReadiness",
    "Waitable",
    "open_provider",
]

_ELSEWHERE = {
    "Discovered": "provider.domain.containers",
    "EngineDescription": "provider.ports.engine",
    "Evidence": "provider.domain.containers",
    "Limits": "provider.domain.containers",
    "Liveness": "provider.ports.engine",
    "Restarted": "provider.domain.containers",
    "Sandbox": "provider.sandbox.sandbox",
    "SandboxBackend": "provider.ports.engine",
    "SandboxInfo": "provider.domain.containers",
    "SandboxProvider": "provider.api",
    "SandboxSpec": "provider.domain.containers",
    "Settings": "provider.config.settings",
    "SupportsDescription": "provider.ports.engine",
    "SupportsReadiness": "provider.ports.engine",
    "Waitable": "provider.ports.engine",
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
