"""The network of one ledger's sandboxes: a bridge of their own, on which no container reaches another.

Docker's default bridge lets neighbours talk. A bridge with `enable_icc=false` drops what they send each other, while
published ports and the way outside go on; an `internal` one has no way outside either (`sandbox.egress: none`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from docker.errors import APIError, NotFound

from provider.backends.docker.engine import Engine
from provider.backends.labels import LEDGER, network_name
from provider.config.settings import Egress, SandboxSettings

EGRESS = "sandbox-ledger.egress"
"""The label that tells the open network of a ledger from its closed one."""

PUBLISHING_NETWORKS = frozenset({"bridge", "default"})
"""Docker's own bridge: ports are published there, because names are not resolved."""

_OPTIONS = {"com.docker.network.bridge.enable_icc": "false"}

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

    def find(self) -> str | None:
        """Find the network's id; None where the engine has none.

        Two workers may have made one each at the same moment, since names are not unique there: all take the oldest.
        """
        with self.engine.asking(f"list the networks of ledger {self.ledger_id}") as client:
            labels = [f"{LEDGER}={self.ledger_id}", f"{EGRESS}={self.egress}"]
            listed = client.networks(filters={"label": labels})
            if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
                raise ValueError("the answer is not a list of networks")
            closed = [one for one in listed if (one.get("Options") or {}).items() >= _OPTIONS.items()]
            oldest = min(closed, key=lambda one: (one["Created"], one["Id"]), default=None)
        return None if oldest is None else str(oldest["Id"])

    def ensure(self) -> str:
        """Return the id of the network, made on first use; raise `BackendUnavailable`."""
        if self._known is None:
            self._known = self.find() or self._make()
        return self._known

    def forget(self) -> None:
        """Look again at the next use: somebody may have removed the network."""
        self._known = None

    def _make(self) -> str:
        with self.engine.asking(f"make network {self.name}") as client:
            made = str(
                client.create_network(
                    self.name,
                    driver="bridge",
                    options=_OPTIONS,
                    internal=self.egress == "none",
                    labels={LEDGER: self.ledger_id, EGRESS: self.egress},
                )["Id"]
            )
        chosen = self.find() or made
        if chosen != made:
            with self.engine.asking(f"remove network {made[:12]}") as client:
                try:
                    client.remove_network(made)
                except NotFound:
                    pass  # whoever came first has tidied up
                except APIError as error:
                    if not error.is_client_error():
                        raise
        return chosen


def is_published(settings: SandboxSettings) -> bool:
    """Whether the sandbox's port is published on the host: not in a network that was named, nor without egress."""
    if settings.network is None:
        return settings.egress == "open"
    return settings.network in PUBLISHING_NETWORKS
