"""A death is examined when the engine knows of it, which may be later than the kernel does."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from provider import open_provider
from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.domain.containers import Evidence, SandboxInfo
from provider.domain.events import EvidenceCollected
from provider.testing import FakeBackend


class LaggingBackend(FakeBackend):
    """An engine that says "running" a few times more, without an exit code, after the kernel has told of the end."""

    behind = 3

    def is_alive(self, info: SandboxInfo) -> bool:
        alive = super().is_alive(info)
        if not alive and self.behind:
            self.behind -= 1
            return True
        return alive

    def evidence(self, info: SandboxInfo) -> Evidence:
        found = super().evidence(info)
        return replace(found, exit_code=None, finished_at=None) if self.behind else found


def test_the_exit_code_is_waited_for(sqlite_url: str) -> None:
    engine = LaggingBackend()
    settings = {"database": {"url": sqlite_url}, "sweeper": {"enabled": False}}
    with open_provider(settings, backend=engine) as worker:
        sandbox_id = worker.acquire("t")
        engine.kill(sandbox_id, exit_code=3)
        assert worker.get(sandbox_id) is None
    with closing(open_store(load_settings(settings))) as store:
        found = [one.event for one in store.read_stream(f"sandbox:{sandbox_id}")]
    assert [event.exit_code for event in found if isinstance(event, EvidenceCollected)] == [3]
