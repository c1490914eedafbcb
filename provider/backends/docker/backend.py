"""A Docker engine behind the `SandboxBackend` port."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from provider.backends.docker.creation import ContainerCreation
from provider.backends.docker.diagnosis import DockerDiagnosis, diagnose
from provider.backends.docker.engine import Engine, Inspection
from provider.backends.docker.evidence import collect_evidence, read_log
from provider.backends.docker.inspection import EngineHost, inner_url, is_running, named_url, published_url
from provider.backends.docker.kernel import open_kernel_liveness
from provider.backends.docker.lookup import Lookup
from provider.backends.docker.network import LedgerNetwork, is_published
from provider.backends.docker.removal import remove_container, stop_container
from provider.backends.docker.watch import Watch, WatchLiveness
from provider.backends.labels import container_name
from provider.backends.start_up import await_ready
from provider.config.settings import SandboxSettings
from provider.domain.containers import Discovered, Evidence, SandboxInfo, SandboxSpec
from provider.domain.errors import SandboxStartError
from provider.ports.engine import Liveness

log = logging.getLogger(__name__)


class DockerBackend:
    """Sandboxes as containers of one Docker engine.

    Nothing is contacted before the first call. A container that this engine does not know counts as gone only when it
    was created on this engine's machine; else the engine "cannot tell".
    """

    name = "docker"

    def __init__(self, settings: SandboxSettings, ledger_id: str) -> None:
        self._settings = settings
        self._ledger_id = ledger_id
        self._engine = Engine(settings.engine, settings.engine_timeout)
        self._lookup = Lookup(self._engine, ledger_id, settings.container_prefix)
        self._network = LedgerNetwork(self._engine, ledger_id, settings.egress)
        self._watches: dict[int, Watch] = {}

    @property
    def image(self) -> str:
        """The image that new sandboxes are made from."""
        return self._settings.image

    def create(self, spec: SandboxSpec) -> SandboxInfo:
        """Create and start a container; on failure nothing is left behind."""
        place = self._lookup.place()
        found = ContainerCreation(self._engine, self._settings, self._ledger_id, spec, self._network).run()
        name = container_name(self._settings.container_prefix, spec)
        url = self._url(found, name, place)
        info = SandboxInfo(spec.sandbox_id, spec.generation, found["Id"], name, place.host, url)
        if not url:  # a container that has ended has no ports
            tail = read_log(self._engine, found["Id"], self._settings.environment.values())
            self.destroy(info)
            message = f"the container ended at once ({found['State'].get('Error') or found['State'].get('ExitCode')})"
            raise SandboxStartError(spec.sandbox_id, "start", message, log_tail=tail)
        return info

    def wait_ready(self, info: SandboxInfo) -> float:
        """Block until the sandbox answers its readiness check; return the seconds waited."""
        return await_ready(
            info,
            self._settings.readiness,
            still_running=lambda: self.is_alive(info),
            read_log=lambda: self.evidence(info).log_tail,
        )

    def destroy(self, info: SandboxInfo) -> None:
        """Stop and remove the container with its anonymous volumes; a missing one is success, a stranger's stays."""
        found = self._lookup.find(info)
        if found is None:
            return
        if is_running(found):
            stop_container(self._engine, found["Id"], self._settings.stop_timeout)
        remove_container(self._engine, found["Id"], self._settings.engine_timeout)
        details = {"action": "container_removed", "sandbox_id": info.sandbox_id}
        log.info("removed container %s", info.container_name, extra=details)

    def is_alive(self, info: SandboxInfo) -> bool:
        """Ask the engine; a paused container is alive, and one without an id is taken to be."""
        if info.container_id is None:
            return True
        found = self._lookup.find(info)
        return found is not None and is_running(found)

    def evidence(self, info: SandboxInfo) -> Evidence:
        """Read what the engine knows about the ended container."""
        found = self._lookup.find(info)
        if found is None:
            return Evidence(found=False)
        return collect_evidence(self._engine, found, self._settings.environment.values())

    def liveness(self, info: SandboxInfo) -> Liveness | None:
        """Open a probe as `sandbox.liveness` says: the kernel's, else the watch's, else None."""
        mode = self._settings.liveness
        if mode == "inspect" or info.container_id is None:
            return None
        if mode in {"auto", "kernel"}:
            found = self._lookup.find(info)
            if found is None or not is_running(found):
                return None
            probe = open_kernel_liveness(found)
            if probe is not None or mode == "kernel":
                return probe
        return WatchLiveness(self._watch(), info.container_id)

    def discover(self) -> Sequence[Discovered]:
        """List this ledger's containers with this name prefix, in one engine call."""
        return self._lookup.list()

    def list_running(self) -> Sequence[SandboxInfo]:
        """List this ledger's running containers, in one engine call."""
        return [found.info for found in self.discover() if found.running]

    def describe(self) -> DockerDiagnosis:
        """Find out what `doctor` shows; never raises."""
        return diagnose(self._engine, self.image)

    def close(self) -> None:
        """Stop the watch and close the connections of this process."""
        watch = self._watches.pop(os.getpid(), None)
        if watch is not None:
            watch.close()
        self._engine.close()

    def _url(self, found: Inspection, name: str, place: EngineHost) -> str:
        if is_published(self._settings):
            return published_url(found, place)
        return inner_url(found) if self._settings.network is None else named_url(name)

    def _watch(self) -> Watch:
        watch = self._watches.get(os.getpid())
        if watch is None:
            made = Watch(self._engine, self._ledger_id, silence_seconds=self._settings.engine_timeout)
            watch = self._watches.setdefault(os.getpid(), made)
            if watch is made:
                watch.start()
        return watch
