"""One line for each event: what the log says, for people. Pure."""

from __future__ import annotations

from provider.domain import events as ev
from provider.domain.log import RecordedEvent
from provider.domain.wording import count_of
from provider.reading.narrative import DETECTED, explain_exit_code
from provider.reading.wording import format_duration, format_moment

CAUSES = {"cold": "first start", "restart": "restart", "standby": "standby"}


def describe_event(recorded: RecordedEvent) -> str:  # noqa: C901, PLR0911, PLR0912
    """Describe an event in a few words, without what stands in its other columns."""
    event = recorded.event
    match event:
        case ev.SandboxCreating():
            return f"{CAUSES.get(event.cause, event.cause)}, {event.backend}: {event.image}"
        case ev.SandboxStarted():
            return f"{event.container_name} at {event.url}"
        case ev.SandboxReady():
            return f"after {format_duration(event.startup_seconds)}"
        case ev.SandboxCreateFailed():
            return f"{event.stage}: {event.error}"
        case ev.SandboxAcquired():
            return event.how + _unless_author(" for", event.worker_id, recorded)
        case ev.SandboxReleased():
            return event.cause + _unless_author(" of", event.worker_id, recorded)
        case ev.SandboxDied():
            return f"noticed {DETECTED.get(event.detected_by, event.detected_by)}"
        case ev.SandboxEvicted():
            return event.reason
        case ev.EvidenceCollected():
            return _describe_evidence(event)
        case ev.SandboxDestroyFailed():
            return event.error
        case ev.CrashLoopEntered():
            return f"{count_of(event.failures, 'failure')}, no start before {format_moment(event.retry_at)}"
        case ev.CrashLoopCleared():
            return f"by {event.cleared_by}"
        case ev.OrphanAdopted() | ev.OrphanRemoved():
            return event.container_name
        case ev.WorkerStarted():
            return f"pid {event.pid} on {event.host}"
        case ev.WorkerLost():
            return f"last heartbeat {format_moment(event.last_heartbeat_at)}"
        case ev.SweepCompleted():
            done = f"{count_of(event.actions, 'action')}, {count_of(event.failures, 'failure')}"
            return f"{count_of(event.expected, 'container')} expected, {event.observed:,} found; {done}"
        case ev.LedgerSealed():
            return f"{count_of(event.count, 'event')}, up to {event.position}; {'HMAC' if event.hmac else 'no key'}"
        case ev.LogArchived():
            return f"{count_of(event.events, 'event')}, up to {event.through_position}, in {event.bundle}"
        case ev.ExtractOpened():
            return f"{count_of(event.events, 'event')} of ledger {event.ledger_id} from {event.bundle}"
        case ev.OperatorActionRequested():
            return f"{event.action} {event.target}: {event.reason}"
        case ev.OperatorActionCompleted():
            return f"{event.action} {event.target}: {event.outcome}{': ' if event.detail else ''}{event.detail}"
        case _:
            return ""


def _describe_evidence(event: ev.EvidenceCollected) -> str:
    if not event.found:
        return "the engine no longer had the container"
    code = f"exit code {explain_exit_code(event.exit_code)}" if event.exit_code is not None else "no exit code"
    return f"{code}{', out of memory' if event.oom_killed else ''}, {count_of(len(event.log_tail), 'character')} of log"


def _unless_author(word: str, worker_id: str, recorded: RecordedEvent) -> str:
    return "" if recorded.actor == f"worker:{worker_id}" else f"{word} {worker_id}"
