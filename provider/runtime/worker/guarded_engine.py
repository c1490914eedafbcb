"""The engine as the use cases see it: a backend's calls with every surprise turned into "cannot tell".

Backends are written by others too. Whatever one raises that is not an error of ours is logged with its traceback and
becomes `BackendUnavailable`: unknown is not dead, and a failed removal is tried again. What it says goes into events,
logs and messages, so `redact` takes the secrets out first, and `keep_log` decides what remains of a container's log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from provider.core.faults import point
from provider.domain.containers import Discovered, Evidence, SandboxInfo, SandboxSpec
from provider.domain.errors import BackendUnavailable, SandboxError, SandboxStartError
from provider.ports.engine import Liveness, SandboxBackend, SupportsReadiness

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GuardedEngine:
    """A backend behind one error boundary."""

    backend: SandboxBackend
    redact: Callable[[str], str] = str
    keep_log: Callable[[str], str] = str
    find_token: Callable[[str], str | None] = lambda container_name: None
    """Make the token of the container with this name; None where its server asks for none."""

    def create(self, spec: SandboxSpec) -> SandboxInfo:
        """Create and start a container; raise `SandboxStartError` or `BackendUnavailable`."""
        with self._boundary("create", spec.sandbox_id):
            return self.backend.create(spec)

    def wait_ready(self, info: SandboxInfo) -> None:
        """Wait until the sandbox answers; backends that are ready on return have nothing to wait for."""
        if isinstance(self.backend, SupportsReadiness):
            with self._boundary("wait_ready", info.sandbox_id):
                self.backend.wait_ready(replace(info, token=self.find_token(info.container_name)))

    def destroy(self, info: SandboxInfo) -> None:
        """Remove a container; one that does not exist is success."""
        with self._asking("destroy", info):
            self.backend.destroy(info)

    def is_alive(self, info: SandboxInfo) -> bool:
        """Ask whether a container runs; raise `BackendUnavailable` for "cannot tell"."""
        with self._asking("is_alive", info):
            return self.backend.is_alive(info)

    def evidence(self, info: SandboxInfo) -> Evidence:
        """Collect what a dead container left behind."""
        with self._asking("evidence", info):
            found = self.backend.evidence(info)
            return replace(found, engine_error=self.redact(found.engine_error), log_tail=self.keep_log(found.log_tail))

    def discover(self) -> Sequence[Discovered]:
        """List every container of this ledger that the engine has, in one call."""
        with self._boundary("discover", "*"):
            return self.backend.discover()

    def find_liveness(self, info: SandboxInfo) -> Liveness | None:
        """Open an engine-free probe; None where there is none, or when the engine cannot say now."""
        try:
            with self._asking("liveness", info):
                return self.backend.liveness(info)
        except BackendUnavailable as error:
            logger.warning("%s", error, extra={"action": "liveness", "sandbox_id": info.sandbox_id})
            return None

    @contextmanager
    def _asking(self, action: str, info: SandboxInfo) -> Iterator[None]:
        """Ask about a recorded container: only a backend of the kind that made it can know it."""
        if info.backend not in ("", self.backend.name):
            raise BackendUnavailable(
                f"sandbox {info.sandbox_id}: container {info.container_name} was made by the {info.backend} backend, "
                f"of which the {self.backend.name} backend knows nothing; use sandbox.backend: {info.backend}"
            )
        with self._boundary(action, info.sandbox_id):
            yield

    @contextmanager
    def _boundary(self, action: str, sandbox_id: str) -> Iterator[None]:
        try:
            point(f"engine.{action}.before")
            yield
            point(f"engine.{action}.after")
        except SandboxError as error:
            raise self._hidden(error)  # noqa: B904 - `_hidden` decides whether the original may be shown
        except Exception as error:
            words, extra = repr(error), {"action": action, "sandbox_id": sandbox_id}
            told = self.redact(words)
            logger.error("backend failed: %s", told, extra=extra, exc_info=error if told == words else None)
            failed = BackendUnavailable(f"sandbox {sandbox_id}: backend failed in {action}: {told}")
            raise failed from (error if told == words else None)

    def _hidden(self, error: SandboxError) -> SandboxError:
        """Return the error as it may be recorded, logged and shown."""
        if isinstance(error, SandboxStartError):
            reason, log_tail = self.redact(error.reason), self.keep_log(error.log_tail)
            if (reason, log_tail) == (error.reason, error.log_tail):
                return error
            told: SandboxError = SandboxStartError(error.sandbox_id, error.stage, reason, log_tail=log_tail)
        else:
            words = str(error)
            if self.redact(words) == words:
                return error
            told = BackendUnavailable(self.redact(words))
        told.__suppress_context__ = True
        return told
