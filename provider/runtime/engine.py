"""The engine as the use cases see it: a backend's calls with every surprise turned into "cannot tell".

Backends are written by others too. Whatever one raises that is not an error of ours is logged with its traceback and
becomes `BackendUnavailable`: unknown is not dead, and a failed removal is tried again. What it says goes into events,
logs and messages, so `redact` takes the secrets out first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from provider.domain.containers import Evidence, SandboxInfo, SandboxSpec
from provider.domain.errors import BackendUnavailable, SandboxError, SandboxStartError
from provider.ports import Liveness, SandboxBackend, SupportsReadiness

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engine:
    """A backend behind one error boundary."""

    backend: SandboxBackend
    redact: Callable[[str], str] = str

    def create(self, spec: SandboxSpec) -> SandboxInfo:
        """Create and start a container; raise `SandboxStartError` or `BackendUnavailable`."""
        with self._boundary("create", spec.sandbox_id):
            return self.backend.create(spec)

    def wait_ready(self, info: SandboxInfo) -> None:
        """Wait until the sandbox answers; backends that are ready on return have nothing to wait for."""
        if isinstance(self.backend, SupportsReadiness):
            with self._boundary("wait_ready", info.sandbox_id):
                self.backend.wait_ready(info)

    def destroy(self, info: SandboxInfo) -> None:
        """Remove a container; one that does not exist is success."""
        with self._boundary("destroy", info.sandbox_id):
            self.backend.destroy(info)

    def is_alive(self, info: SandboxInfo) -> bool:
        """Ask whether a container runs; raise `BackendUnavailable` for "cannot tell"."""
        with self._boundary("is_alive", info.sandbox_id):
            return self.backend.is_alive(info)

    def evidence(self, info: SandboxInfo) -> Evidence:
        """Collect what a dead container left behind."""
        with self._boundary("evidence", info.sandbox_id):
            found = self.backend.evidence(info)
            return replace(found, engine_error=self.redact(found.engine_error), log_tail=self.redact(found.log_tail))

    def find_liveness(self, info: SandboxInfo) -> Liveness | None:
        """Open an engine-free probe; None where there is none, or when the engine cannot say now."""
        try:
            with self._boundary("liveness", info.sandbox_id):
                return self.backend.liveness(info)
        except BackendUnavailable as error:
            logger.warning("%s", error, extra={"action": "liveness", "sandbox_id": info.sandbox_id})
            return None

    @contextmanager
    def _boundary(self, action: str, sandbox_id: str) -> Iterator[None]:
        try:
            yield
        except SandboxError as error:
            raise self._told(error)  # noqa: B904 - `_told` decides whether the original may be shown
        except Exception as error:
            words, extra = repr(error), {"action": action, "sandbox_id": sandbox_id}
            told = self.redact(words)
            logger.error("backend failed: %s", told, extra=extra, exc_info=error if told == words else None)
            failed = BackendUnavailable(f"sandbox {sandbox_id}: backend failed in {action}: {told}")
            raise failed from (error if told == words else None)

    def _told(self, error: SandboxError) -> SandboxError:
        """Return the error as it may be recorded, logged and shown."""
        words = str(error)
        if self.redact(words) == words:
            return error
        if isinstance(error, SandboxStartError):
            reason, log_tail = self.redact(error.reason), self.redact(error.log_tail)
            told: SandboxError = SandboxStartError(error.sandbox_id, error.stage, reason, log_tail=log_tail)
        else:
            told = BackendUnavailable(self.redact(words))
        told.__suppress_context__ = True
        return told
