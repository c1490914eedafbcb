"""Sandbox Ledger: durable sandboxes for agents, with every lifecycle step an event in SQL."""

from provider.api import SandboxProvider
from provider.bootstrap import open_provider
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
from provider.settings import Settings

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
