"""Which backends there are. A new one is a package beside these and one line in `_FACTORIES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from provider.config.settings import SandboxSettings
from provider.domain.errors import ConfigError
from provider.ports.engine import SandboxBackend

_Factory = Callable[[SandboxSettings, str, Path], SandboxBackend]


def create_backend(settings: SandboxSettings, ledger_id: str, state_dir: Path) -> SandboxBackend:
    """Build the backend that `settings.backend` names; no engine is contacted yet.

    `state_dir` is where backends without an engine of their own keep their containers; it must be the same for
    every worker of the ledger on this machine.
    """
    factory = _FACTORIES.get(settings.backend)
    if factory is None:
        known = ", ".join(sorted(_FACTORIES))
        raise ConfigError(f"sandbox.backend: {settings.backend!r} is not known; use one of {known}")
    return factory(settings, ledger_id, state_dir)


def _docker(settings: SandboxSettings, ledger_id: str, state_dir: Path) -> SandboxBackend:
    # Imported here so that the process backend works where the Docker SDK is not installed.
    from provider.backends.docker.backend import DockerBackend

    return DockerBackend(settings, ledger_id)


def _process(settings: SandboxSettings, ledger_id: str, state_dir: Path) -> SandboxBackend:
    from provider.backends.process.backend import ProcessBackend

    return ProcessBackend(settings, ledger_id, state_dir=state_dir)


_FACTORIES: Mapping[str, _Factory] = {"docker": _docker, "process": _process}
