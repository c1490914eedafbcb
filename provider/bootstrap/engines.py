"""From the settings to a container engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from provider.backends.registry import create_backend
from provider.config.state import state_root
from provider.ports.engine import SupportsDescription

if TYPE_CHECKING:
    from provider.config.settings import Settings
    from provider.ports.engine import EngineDescription, SandboxBackend


def open_backend(settings: Settings, ledger_id: str) -> SandboxBackend:
    """Build the configured backend; no engine is contacted yet."""
    return create_backend(settings.sandbox, ledger_id, state_directory(settings, ledger_id))


def describe_engine(settings: Settings) -> EngineDescription | None:
    """Ask the configured engine about itself; None for a backend without an engine. Never raises."""
    backend = open_backend(settings, ledger_id="")
    try:
        return backend.describe() if isinstance(backend, SupportsDescription) else None
    finally:
        backend.close()


def keeps_neighbours_apart(settings: Settings) -> bool:
    """Try whether one sandbox reaches another on the engine; raise `BackendUnavailable` when it cannot be tried."""
    from provider.backends.docker.engine import Engine
    from provider.backends.docker.isolation import keeps_neighbours_apart

    engine = Engine(settings.sandbox.engine, settings.sandbox.engine_timeout)
    try:
        return keeps_neighbours_apart(engine, settings.sandbox.image)
    finally:
        engine.close()


def build_image(settings: Settings, *, from_host: bool, progress: Callable[[str], None] | None = None) -> str:
    """Build `sandbox.image` on the Docker engine and return its id.

    From this machine's own Python and busybox (`from_host`: no registry is needed), or from the Dockerfile.
    """
    from provider.backends.docker import image

    build = image.build_from_host if from_host else image.build_from_dockerfile
    return build(base_url=settings.sandbox.engine, tag=settings.sandbox.image, progress=progress)


def state_directory(settings: Settings, ledger_id: str) -> Path:
    """Return where backends without an engine keep their containers: one place per ledger on this host."""
    return state_root() / ledger_id
