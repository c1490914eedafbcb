"""A ledger filled by the domain's decisions, without any engine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from provider.bootstrap import open_administration, open_insights
from provider.bootstrap.stores import open_store
from provider.config.settings import DatabaseSettings, Settings
from provider.domain import decisions
from provider.domain import events as ev
from provider.domain.containers import Evidence, SandboxInfo
from provider.domain.ids import derive_sandbox_id, sandbox_stream
from provider.domain.log import Author
from provider.reading.insights import Insights
from provider.store.log.event_store import SqlEventStore
from provider.store.maintenance import Maintenance

AUTHOR = Author("worker:w1", "a-call")


class Ledger:
    """Writes what workers would write, and opens the read side."""

    def __init__(self, url: str) -> None:
        self.settings = Settings(database=DatabaseSettings(url=url))
        self.store: SqlEventStore = open_store(self.settings)
        self.insights: Insights = open_insights(self.settings)
        self.maintenance: Maintenance = open_administration(self.settings).maintenance

    def start(self, thread: str, user: str | None = None, *, sandbox_id: str | None = None) -> str:
        """Bring the next generation of a thread's sandbox up; return the sandbox's id."""
        chosen = sandbox_id or derive_sandbox_id(user, thread)
        state = self.store.load(chosen)
        number = state.generation + 1
        name = f"sandbox-{chosen}-g{number}"
        creation = decisions.Creation(
            sandbox_id=chosen, user_id=user, thread_id=thread, worker_id="w1", backend="fake", image="image",
            container_prefix="sandbox",
        )  # fmt: skip
        info = SandboxInfo(chosen, number, f"c{number}", name, "here", "http://127.0.0.1:1")
        self.append(chosen, decisions.decide_create(state, creation))
        self.append(chosen, decisions.decide_started(self.store.load(chosen), info))
        self.append(chosen, decisions.decide_ready(self.store.load(chosen), number, 0.5, ["w1"]))
        return chosen

    def crash(self, sandbox_id: str, exit_code: int = 137) -> None:
        """Let the current generation die, be examined and be removed."""
        number = self.store.load(sandbox_id).generation
        now = datetime.now(UTC)
        evidence = Evidence(True, exit_code=exit_code, finished_at=now, log_tail="bye\n")
        self.append(sandbox_id, decisions.decide_died(self.store.load(sandbox_id), number, "get", now))
        self.append(sandbox_id, decisions.decide_examined(self.store.load(sandbox_id), number, evidence))
        self.append(sandbox_id, decisions.decide_removed(self.store.load(sandbox_id), number, None))

    def append(self, sandbox_id: str, events: Sequence[ev.Event]) -> None:
        """Append to a sandbox's stream."""
        self.store.append(sandbox_stream(sandbox_id), self.store.load(sandbox_id).version, events, AUTHOR)

    def close(self) -> None:
        """Close all connections."""
        self.store.close()
        self.insights.close()
        self.maintenance.close()
