"""One ledger on the fake engine, a worker that uses sandboxes, and operators who step in."""

from __future__ import annotations

from typing import Any

from provider import SandboxProvider, open_provider
from provider.bootstrap import open_actions
from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.config.settings import Settings
from provider.domain.actions import Order
from provider.domain.events import OperatorActionCompleted, OperatorActionRequested
from provider.domain.log import RecordedEvent
from provider.runtime.operators.actions import OperatorActions
from provider.store.log.event_store import SqlEventStore
from provider.store.projections.rebuild import find_differences
from provider.testing import FakeBackend


class Floor:
    """What the tests of operators' actions need."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.store: SqlEventStore = open_store(self.settings())
        self.engine = FakeBackend(self.store.ledger_id, probes=False)
        self.worker: SandboxProvider = open_provider(self.settings(), backend=self.engine)
        self._opened: list[OperatorActions] = []
        self.actions = self.open_actions()

    def settings(self) -> Settings:
        """Give the configuration."""
        sandbox: dict[str, Any] = {"replicas": 100, "liveness": "inspect", "restart_backoff": {"free": 0}}
        return load_settings({"database": {"url": self.url}, "sandbox": sandbox, "sweeper": {"enabled": False}})

    def open_actions(self) -> OperatorActions:
        """Open what another process with operators would have."""
        actions = open_actions(self.settings(), backend=self.engine)
        self._opened.append(actions)
        return actions

    def order(self, action: Any, target: str | None = None, **changes: Any) -> Order:
        """Make an order of the operator ann."""
        about = {} if target is None else {"target": target}
        return Order(**{"operator": "ann", "action": action, "reason": "paged", **about, **changes})

    def ledger(self) -> list[RecordedEvent]:
        """Read what operators asked for, and what came of it."""
        kinds = (OperatorActionRequested, OperatorActionCompleted)
        return [one for one in self.store.read_stream("ledger") if isinstance(one.event, kinds)]

    def history(self, sandbox_id: str) -> list[RecordedEvent]:
        """Read a sandbox's stream."""
        return list(self.store.read_stream(f"sandbox:{sandbox_id}"))

    def status(self, sandbox_id: str) -> str:
        """Tell a sandbox's status."""
        return self.store.load(sandbox_id).status

    def version(self, sandbox_id: str) -> int:
        """Tell a sandbox's version."""
        return self.store.load(sandbox_id).version

    def close(self) -> None:
        """Leave in order and audit the projections."""
        for actions in self._opened:
            actions.close()
        self.worker.shutdown()
        assert find_differences(self.store.database) == []
        self.store.close()
