"""The network of one ledger's sandboxes: a bridge of their own, on which no container reaches another.

Docker's default bridge lets neighbours talk. A bridge with `enable_icc=false` drops what they send each other, while
published ports and the way outside go on; an `internal` one has no way outside either (`sandbox.egress: none`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from docker.errors import APIError

from provider.backends.docker.engine import Engine
from provider.backends.labels import LEDGER, network_name
from provider.config.settings import Egress, SandboxSettings

EGRESS = "sandbox-ledger.egress"
"""The label that tells the open network of a ledger from its closed one."""

PUBLISHING_NETWORKS = frozenset({"bridge", "default"})
"""Docker's own bridge: ports are published there, because names are not resolved."""

CONFLICT = 409
CLOSED_TO_NEIGHBOURS = {"com.docker.network.bridge.enable_icc": "false"}

NOWHERE = "127.0.0.1"
"""The name server of a sandbox without a way outside: engines before 25.0 forward its questions outside by default."""


@dataclass(slots=True)
class LedgerNetwork:
    """Finds the ledger's network, or makes it. Safe from any thread and for any number of workers at once."""

    engine: Engine
    ledger_id: str
    egress: Egress
    _known: str | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The network's name on the engine."""
        return network_name(self.ledger_id, self.egress)

    def ensure(self) -> str:
        """Return the id of the network, made on first use; raise `BackendUnavailable`."""
        if self._known is None:
            self._known = self._find() or self._make()
        return self._known

    def forget(self) -> None:
        """Look again at the next use: somebody may have removed the network."""
        self._known = None

    def _find(self) -> str | None:
        """Find the oldest network of this ledger.

        Engines take a name twice when two workers make it at the same moment, and then refuse to use it: every worker
        keeps the oldest and removes the others, which nobody can use.
        """
        with self.engine.asking(f"list the networks of ledger {self.ledger_id}") as client:
            labels = [f"{LEDGER}={self.ledger_id}", f"{EGRESS}={self.egress}"]
            listed = client.networks(filters={"label": labels})
            if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
                raise ValueError("the answer is not a list of networks")
            closed = [one for one in listed if (one.get("Options") or {}).items() >= CLOSED_TO_NEIGHBOURS.items()]
            oldest, *others = sorted(closed, key=lambda one: (one["Created"], one["Id"])) or [None]
        for one in others:
            self._remove(str(one["Id"]))
        return None if oldest is None else str(oldest["Id"])

    def _make(self) -> str:
        with self.engine.asking(f"make network {self.name}") as client:
            try:
                client.create_network(
                    self.name,
                    driver="bridge",
                    options=CLOSED_TO_NEIGHBOURS,
                    check_duplicate=True,
                    internal=self.egress == "none",
                    labels={LEDGER: self.ledger_id, EGRESS: self.egress},
                )
            except APIError as error:
                if error.status_code != CONFLICT:
                    raise
        found = self._find()
        if found is None:
            raise self.engine.unavailable(
                f"make network {self.name}", ValueError("a network of that name is there, but it is not this ledger's")
            )
        return found

    def _remove(self, network: str) -> None:
        with self.engine.asking(f"remove network {network[:12]}") as client:
            try:
                client.remove_network(network)
            except APIError as error:
                if not error.is_client_error():  # somebody else removed it, or it is in use
                    raise


def is_published(settings: SandboxSettings) -> bool:
    """Whether the sandbox's port is published on the host: not in a network that was named, nor without egress."""
    if settings.network is None:
        return settings.egress == "open"
    return settings.network in PUBLISHING_NETWORKS
