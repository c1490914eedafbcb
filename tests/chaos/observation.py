"""What the checker looks at: the log, the projections, the engine, and what the workers say they were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from provider.domain.containers import Discovered
from provider.domain.log import RecordedEvent


@dataclass(frozen=True, slots=True)
class Handed:
    """One successful acquire, as its caller saw it; times of the same clock as the log's."""

    worker_id: str
    user_id: str | None
    thread_id: str
    sandbox_id: str
    generation: int
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Called:
    """One call to a sandbox that was answered; times of the same clock as the log's."""

    worker_id: str
    sandbox_id: str
    generation: int
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One row of `sandboxes`."""

    sandbox_id: str
    status: str
    generation: int
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Everything that is left after a run."""

    events: Sequence[RecordedEvent]
    rows: Sequence[Row]
    containers: Sequence[Discovered]
    replicas: int
    per_user: int | None = None
    handed: Sequence[Handed] = ()
    called: Sequence[Called] = ()
    differences: Sequence[str] = ()
    """Where the projections are not the fold of the log."""
    secrets: Sequence[str] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    """Log files of the workers by name: no secret may be in them."""
    converged: bool = True
    """Whether everything unfinished had the time to be finished."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant: which rule, and what was seen."""

    rule: str
    seen: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.seen}"
