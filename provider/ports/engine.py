"""What the use cases need from a container engine; small, so that others can write a backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from provider.domain.containers import Discovered, Evidence, SandboxInfo, SandboxSpec


class Liveness(Protocol):
    """A cheap, engine-free look at one container."""

    def probe(self) -> bool | None:
        """Whether the container runs: True, False, or None for "cannot tell, ask the engine".

        Never blocks, never raises; safe from any thread.
        """

    def close(self) -> None:
        """Release what the probe holds. Idempotent; `probe` then answers None."""


@runtime_checkable
class Waitable(Protocol):
    """A probe that can also be waited for."""

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when the container ends; -1 once closed."""


class SandboxBackend(Protocol):
    """A container engine. Every call has a deadline and raises `BackendUnavailable` for "cannot tell".

    All methods are safe to call from several threads at once. No method is called while a lock or
    a transaction is held.
    """

    @property
    def name(self) -> str:
        """The backend's name in events: `docker`, `process`, ..."""

    @property
    def image(self) -> str:
        """What new sandboxes are made from, for the record."""

    def create(self, spec: SandboxSpec) -> SandboxInfo:
        """Create and start a container.

        Raise `SandboxStartError` (and leave nothing behind) when the engine refuses. Where the sandbox
        needs time to come up, implement `SupportsReadiness`; else it counts as ready on return.
        """

    def destroy(self, info: SandboxInfo) -> None:
        """Stop and remove the container. Idempotent: a container that does not exist is success.

        `info` may come without a `container_id` (None), when a start was interrupted before its container was on
        record: then the container is found by `container_name`, and where there is none that is success too.
        """

    def is_alive(self, info: SandboxInfo) -> bool:
        """Ask the engine whether the container runs; False only when the engine is sure."""

    def evidence(self, info: SandboxInfo) -> Evidence:
        """Collect what the ended container left behind."""

    def liveness(self, info: SandboxInfo) -> Liveness | None:
        """Open an engine-free probe for this container, or None where there is none."""

    def discover(self) -> Sequence[Discovered]:
        """List every container labelled with this ledger, running or not, in one engine call."""

    def list_running(self) -> Sequence[SandboxInfo]:
        """List the running containers of this ledger."""

    def close(self) -> None:
        """Release connections and threads; containers stay. Idempotent."""


@runtime_checkable
class SupportsReadiness(Protocol):
    """A backend whose sandboxes need time between start and first answer."""

    def wait_ready(self, info: SandboxInfo) -> float:
        """Block until the sandbox answers its readiness check; return the seconds waited.

        Raise `SandboxStartError` (stage `readiness`, with the log tail) at the deadline, or at once when
        the container stops. The container is left for the caller to remove.
        """


class EngineDescription(Protocol):
    """What an engine reports about itself; `errors` has the reason for each value that is None."""

    @property
    def address(self) -> str:
        """Where it listens."""

    @property
    def reachable(self) -> bool:
        """Whether it answered."""

    @property
    def engine_version(self) -> str | None:
        """Its version."""

    @property
    def api_version(self) -> str | None:
        """The version of its API."""

    @property
    def host_name(self) -> str | None:
        """The machine it runs on."""

    @property
    def image_exists(self) -> bool | None:
        """Whether it has the configured image."""

    @property
    def kernel_liveness(self) -> bool | None:
        """Whether dead containers can be noticed by the kernel."""

    @property
    def errors(self) -> Mapping[str, str]:
        """What could not be found out, and why."""


@runtime_checkable
class SupportsDescription(Protocol):
    """A backend whose engine can be asked about itself."""

    def describe(self) -> EngineDescription:
        """Find out what there is to know; never raises."""
