"""Orphans: containers with this ledger's labels that the ledger does not expect, and the decisions about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from provider.domain import events as ev
from provider.domain.containers import Discovered, SandboxInfo
from provider.domain.decisions import check_identity
from provider.domain.errors import SandboxError
from provider.domain.ids import check_name, derive_sandbox_id, parse_sandbox_id
from provider.domain.state import SandboxState

USER_LABEL = "sandbox-ledger.user"
THREAD_LABEL = "sandbox-ledger.thread"


@dataclass(frozen=True, slots=True)
class Orphan:
    """One such container, with what its labels say."""

    info: SandboxInfo
    running: bool
    created_at: datetime | None
    user_id: str | None
    thread_id: str | None

    @classmethod
    def of(cls, found: Discovered) -> Orphan:
        """Read the labels."""
        labels: Mapping[str, str] = found.labels
        return cls(found.info, found.running, found.created_at, labels.get(USER_LABEL), labels.get(THREAD_LABEL))


def ORPHAN_ORDER(orphan: Orphan) -> tuple[str, int, str]:  # noqa: N802
    """Order orphans: of one sandbox the newest generation first."""
    return orphan.info.sandbox_id, -orphan.info.generation, orphan.info.container_id or ""


def can_be_adopted(orphan: Orphan, newest: int) -> bool:
    """Return whether a container may become its sandbox's next generation: it runs, is newer, and its labels agree."""
    if not orphan.running or orphan.info.container_id is None or orphan.info.generation <= newest:
        return False
    try:
        sandbox_id = parse_sandbox_id(orphan.info.sandbox_id)
        check_name("user_id", orphan.user_id)
        thread = check_name("thread_id", orphan.thread_id)
    except SandboxError:
        return False
    return thread is None or derive_sandbox_id(orphan.user_id, thread) == sandbox_id


def decide_adopt(state: SandboxState, orphan: Orphan, backend: str, image: str) -> list[ev.Event]:
    """Take a container over as the next generation, warm; nothing when the sandbox has one, or has moved on.

    Raise `IdentityCollision` when the sandbox is bound to another (user, thread).
    """
    if state.occupies or not can_be_adopted(orphan, state.generation):
        return []
    check_identity(state, orphan.user_id, orphan.thread_id)
    info = orphan.info
    return [
        ev.OrphanAdopted(
            generation=info.generation, sandbox_id=info.sandbox_id, user_id=orphan.user_id, thread_id=orphan.thread_id,
            backend=backend, image=image, container_id=str(info.container_id), container_name=info.container_name,
            host=info.host, url=info.url,
        )
    ]  # fmt: skip


def is_expected(state: SandboxState, info: SandboxInfo) -> bool:
    """Return whether the ledger expects this very container: then it is no orphan, and belongs to its generation."""
    found = state.find(info.generation)
    return found is not None and found.container_id in (None, info.container_id)


def was_settled(state: SandboxState, info: SandboxInfo) -> bool:
    """Return whether the generation is on record as removed: its end is the intent to remove what comes up late."""
    return info.generation <= state.generation and state.find(info.generation) is None


def removal_requested(actor: str, info: SandboxInfo) -> ev.OperatorActionRequested:
    """State the intent to remove a container that no stream of the ledger speaks of."""
    return ev.OperatorActionRequested(
        operator=actor, action="remove_orphan", target=f"{info.container_name} {info.container_id}",
        reason="labelled with this ledger, unknown to it, and older than sweeper.orphan_grace",
    )  # fmt: skip


def orphan_removed(info: SandboxInfo) -> ev.OrphanRemoved:
    """State that it was removed."""
    return ev.OrphanRemoved(
        generation=info.generation, container_id=info.container_id or "", container_name=info.container_name
    )
