"""The recorded history replayed under another policy, beside what happened and what the policy in force would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from provider.config.settings import SandboxSettings
from provider.domain.events import SandboxEvent
from provider.domain.ids import sandbox_stream
from provider.domain.log import RecordedEvent
from provider.domain.tally import CourseTally, RecordedCourse
from provider.domain.what_if import Replay, ReplayPolicy

Progress = Callable[[int], None]
STEP = 10_000
_PREFIX = sandbox_stream("")


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """Three courses of the same demand: as recorded, replayed as configured, and replayed under the other policy.

    The first two differ by what a replay cannot know; the last two by the policy alone. Compare these.
    """

    since: datetime | None
    until: datetime
    events: int
    recorded: CourseTally
    configured: CourseTally
    proposed: CourseTally


def policy_in_force(settings: SandboxSettings) -> ReplayPolicy:
    """Return the policy that the configuration has."""
    return ReplayPolicy(
        idle_timeout=settings.idle_timeout,
        replicas=settings.replicas,
        backoff=settings.restart_backoff.as_policy(),
    )


def replay(
    log: Iterable[RecordedEvent],
    in_force: ReplayPolicy,
    proposed: ReplayPolicy,
    *,
    since: datetime | None,
    until: datetime,
    progress: Progress | None = None,
) -> WhatIf:
    """Read the log once and follow all three courses; what came before `since` sets the scene and is not counted."""
    courses = (RecordedCourse(), Replay(in_force), Replay(proposed))
    counting, last = since is None, 0
    for recorded in log:
        if recorded.recorded_at > until:
            break
        last = recorded.position
        if since is not None and not counting and recorded.recorded_at >= since:
            counting = True
            for course in courses:
                course.begin(since)
        if isinstance(recorded.event, SandboxEvent) and recorded.stream.startswith(_PREFIX):
            for course in courses:
                course.apply(recorded.stream.removeprefix(_PREFIX), recorded.event, recorded.recorded_at)
        if progress is not None and last % STEP == 0:
            progress(last)
    if since is not None and not counting:
        for course in courses:
            course.begin(since)
    told, configured, other = (course.finish(until) for course in courses)
    return WhatIf(since=since, until=until, events=last, recorded=told, configured=configured, proposed=other)
