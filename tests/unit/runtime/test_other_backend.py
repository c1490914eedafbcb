"""A backend of another kind knows nothing about a container, and says so."""

from __future__ import annotations

import dataclasses

import pytest

from provider.domain.containers import SandboxSpec
from provider.domain.errors import BackendUnavailable
from provider.runtime.worker.guarded_engine import GuardedEngine
from provider.testing import FakeBackend


@pytest.mark.parametrize("action", ["is_alive", "evidence", "destroy"])
def test_what_another_backend_made_is_unknown_not_dead(action: str) -> None:
    backend = FakeBackend()
    made = backend.create(SandboxSpec("0123456789abcdef", 1))
    recorded = dataclasses.replace(made, backend="elsewhere")
    with pytest.raises(BackendUnavailable, match="made by the elsewhere backend"):
        getattr(GuardedEngine(backend), action)(recorded)
    assert backend.is_alive(made)


def test_what_this_kind_of_backend_made_is_asked_about() -> None:
    backend = FakeBackend()
    made = backend.create(SandboxSpec("0123456789abcdef", 1))
    assert GuardedEngine(backend).is_alive(dataclasses.replace(made, backend=backend.name))
