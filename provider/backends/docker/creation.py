"""Create and start a sandbox's container, or leave nothing behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from docker.errors import APIError

from provider.backends.docker.blueprint import container_config
from provider.backends.docker.engine import Engine, Inspection, explain
from provider.backends.docker.network import LedgerNetwork, is_published
from provider.backends.docker.removal import remove_container
from provider.backends.labels import container_name, find_identity
from provider.config.settings import SandboxSettings
from provider.domain.containers import SandboxSpec
from provider.domain.errors import BackendUnavailable, SandboxStartError

PORTS_TO_SEARCH = 1000
STARTS_TO_TRY = 20
# Read only to decide on another try of a start that has failed anyway, never to decide on life or death.
_NETWORK_MOVED = re.compile(r"network [\w.-]+ (?:not found|is ambiguous)")
_PORT_TAKEN = ("port is already allocated", "address already in use")


class ContainerCreation:
    """The creation of one container: a value that carries what every step needs."""

    def __init__(
        self, engine: Engine, settings: SandboxSettings, ledger_id: str, spec: SandboxSpec, network: LedgerNetwork
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._ledger_id = ledger_id
        self._spec = spec
        self._network = network
        self._name = container_name(settings.container_prefix, spec)

    def run(self) -> Inspection:
        """Create and start the container and return its inspection.

        Where the host port turns out to be taken, the next one is tried.
        """
        refusal = ""
        for port in self._candidate_ports():
            container_id = self._create(port)
            refusal = self._start(container_id)
            if not refusal:
                return self._inspect(container_id)
            if _NETWORK_MOVED.search(refusal) and self._settings.network is None:
                self._network.forget()
            elif not any(text in refusal for text in _PORT_TAKEN):
                raise self._failed("start", refusal)
        reason = refusal or f"every port from {self._settings.port} upward is taken; change sandbox.port"
        raise self._failed("start", reason)

    def _candidate_ports(self) -> Iterator[int | None]:
        base = self._settings.port
        if base is None or not is_published(self._settings):
            yield from [None] * 3  # even a port that the engine picks may be taken by another program
            return
        listed = self._engine.list_containers()
        taken = {port.get("PublicPort") for entry in listed for port in entry.get("Ports") or ()}
        free = (port for port in range(base, min(base + PORTS_TO_SEARCH, 65536)) if port not in taken)
        for _, port in zip(range(STARTS_TO_TRY), free, strict=False):
            yield port

    def _create(self, port: int | None) -> str:
        network = self._settings.network or self._network.ensure()
        try:
            with self._engine.asking(f"create container {self._name}") as client:
                config = container_config(
                    client, self._settings, self._ledger_id, self._spec, network=network, port=port
                )
                try:
                    return str(client.create_container(name=self._name, **config)["Id"])
                except APIError as error:
                    if not error.is_client_error() and not self._is_about_disk(error):
                        raise
                    refusal = error
        except BackendUnavailable:
            self._remove_unclear()
            raise
        raise self._explain_refusal(refusal)

    def _is_about_disk(self, error: APIError) -> bool:
        """Whether the engine's storage driver cannot limit the disk, which it calls a failure of its own."""
        return self._settings.limits.disk is not None and "storage-opt" in str(error.explanation or "").lower()

    def _explain_refusal(self, refusal: APIError) -> SandboxStartError:
        image = self._settings.image
        if self._is_about_disk(refusal):
            reason = f"the engine's storage driver cannot limit the disk ({explain(refusal)})"
            return self._failed("create", f"{reason}; leave sandbox.limits.disk out, or use a driver that can")
        if refusal.status_code == 404 and not self._engine.has_image(image):
            hint = f"build it with `sandbox-ledger image build --from-host`, or fetch it with `docker pull {image}`"
            return self._failed("image", f"the engine {self._engine.address} has no image {image}; {hint}")
        if refusal.status_code == 409:
            owner = "this ledger" if self._find_own() else "something else"
            hint = f"look at it with `docker inspect {self._name}`, and remove it or change sandbox.container_prefix"
            return self._failed("create", f"the name {self._name} is taken by a container of {owner}; {hint}")
        return self._failed("create", explain(refusal))

    def _start(self, container_id: str) -> str:
        """Start the container; return the engine's refusal, after removing what was created, or nothing."""
        try:
            with self._engine.asking(f"start container {self._name}") as client:
                try:
                    client.start(container_id)
                except APIError as error:
                    refusal = explain(error)
                else:
                    return ""
        except BackendUnavailable:
            self._remove(container_id)
            raise
        self._remove(container_id)
        return refusal

    def _inspect(self, container_id: str) -> Inspection:
        try:
            found = self._engine.find_container(container_id)
        except BackendUnavailable:
            self._remove(container_id)
            raise
        if found is None:
            raise self._failed("start", "somebody removed the container while it was started")
        return found

    def _find_own(self) -> str | None:
        """Return the id of the container of this name, if its labels say that it is this very generation."""
        found = self._engine.find_container(self._name)
        labels = (found or {}).get("Config", {}).get("Labels") or {}
        is_own = find_identity(labels, self._ledger_id) == (self._spec.sandbox_id, self._spec.generation)
        return str(found["Id"]) if found and is_own else None

    def _remove_unclear(self) -> None:
        """Remove what a creation without an answer may have made."""
        with suppress(BackendUnavailable):
            made = self._find_own()
            if made is not None:
                self._remove(made)

    def _remove(self, container_id: str) -> None:
        # Best effort: what stays is labelled, and the sweep finds it.
        with suppress(BackendUnavailable):
            remove_container(self._engine, container_id, self._settings.engine_timeout)

    def _failed(self, stage: str, reason: str) -> SandboxStartError:
        return SandboxStartError(self._spec.sandbox_id, stage, reason)
