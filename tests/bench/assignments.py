"""The search for double assignments, in the whole event log and on the engine."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from provider.domain import events as ev
from provider.domain.events import Event
from provider.ports.engine import SandboxBackend
from provider.store.log.event_store import SqlEventStore

ENDINGS = (ev.SandboxDied, ev.SandboxEvicted, ev.SandboxCreateFailed)


@dataclass
class Assignments:
    """What the log says about who has which container; `double` lists what contradicts."""

    live: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    threads: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    owners: dict[str, tuple[str, int]] = field(default_factory=dict)
    acquired: int = 0
    double: list[str] = field(default_factory=list)

    def apply(self, stream: str, event: Event) -> None:
        """Follow one event of a sandbox's stream."""
        if isinstance(event, ev.SandboxCreating):
            self.live[stream].add(event.generation)
            thread = (event.user_id, event.thread_id)
            self._check(self.threads.setdefault(stream, thread) == thread, f"{stream} is given to {thread} as well")
        elif isinstance(event, ev.SandboxStarted):
            mine = (stream, event.generation)
            owner = self.owners.setdefault(str(event.container_id), mine)
            self._check(owner == mine, f"{mine} runs in the container of {owner}")
        elif isinstance(event, ev.SandboxAcquired):
            self.acquired += 1
            self._check(self.live[stream] == {event.generation}, f"{stream}: acquired a generation that is not live")
        elif isinstance(event, ENDINGS):
            self.live[stream].discard(event.generation)
        self._check(len(self.live[stream]) <= 1, f"{stream}: live at once are {self.live[stream]}")

    def check_engine(self, engine: SandboxBackend) -> None:
        """See that what runs is what the log says, once."""
        for found in engine.list_running():
            stream = f"sandbox:{found.sandbox_id}"
            self._check(found.generation in self.live[stream], f"{stream}: generation {found.generation} runs, unlive")

    def _check(self, is_right: bool, wrong: str) -> None:
        if not is_right:
            self.double.append(wrong)


def read_assignments(store: SqlEventStore) -> Assignments:
    """Read the log from its beginning to its end."""
    read = Assignments()
    for recorded in store.read_all():
        if recorded.stream.startswith("sandbox:"):
            read.apply(recorded.stream, recorded.event)
    return read
