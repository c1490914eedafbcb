"""The sentences of `why`: how a generation ended, with evidence, what happened since, and what to do. Pure."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from provider.domain import events as ev
from provider.domain.containers import Restarted
from provider.domain.state import Generation
from provider.ports.reading.sandboxes import SandboxRecord
from provider.reading.endings import Ending
from provider.reading.wording import format_duration, format_moment, format_size

DETECTED = {
    "get": "when its agent looked it up",
    "acquire": "when its thread acquired it",
    "watch": "by watching the container",
    "sweep": "in a sweep",
}
REASONS = {
    "crashed": "its container stopped running, unasked",
    "oom": "the kernel killed it, because it used more memory than it may",
    "idle": "it was not used for longer than sandbox.idle_timeout",
    "capacity": "room was needed for another sandbox, and it was the least recently used one",
    "request": "somebody asked for it",
    "shutdown": "its worker stopped, and sandbox.on_shutdown says so",
    "lost_worker": "the worker that was starting it stopped answering",
    "orphaned": "its container was not expected by the ledger",
}
ADVICE = {
    "oom": "Let its commands use less memory at a time, or raise sandbox.limits.memory.",
    "idle": "Raise sandbox.idle_timeout if that was too soon.",
    "capacity": "Raise sandbox.replicas if that happens too often.",
    "shutdown": "Set sandbox.on_shutdown to keep if sandboxes should outlive their worker.",
    "lost_worker": "Find out why the worker stopped: its own log tells.",
}
SIGNALS = {
    signal.SIGKILL: "killed, by somebody or for lack of memory",
    signal.SIGTERM: "asked to stop, by somebody who may do so",
    signal.SIGINT: "interrupted",
    signal.SIGSEGV: "a crash in native code: it touched memory that is not its own",
    signal.SIGABRT: "it gave up by itself, after an assertion or a failed allocation",
    signal.SIGXCPU: "it used up its processor time",
}
EXITS = {
    0: "the sandbox's server left in order, as if it was asked to",
    1: "the sandbox's server failed; its log should say why",
    125: "the engine could not run the container",
    126: "the container's command cannot be executed",
    127: "the container's command was not found in the image",
}


@dataclass(frozen=True, slots=True)
class Narrative:
    """The answer to `why`, in paragraphs of sentences; `log_tail` is quoted as it is, and not to be trusted."""

    headline: str
    facts: tuple[str, ...]
    log_tail: str
    since: tuple[str, ...]
    advice: tuple[str, ...]


def tell_ending(ending: Ending, now: datetime) -> Narrative:
    """Return the story of how a generation ended."""
    evidence = ending.evidence
    return Narrative(
        headline=_headline(ending, now),
        facts=tuple(_facts(ending)),
        log_tail=evidence.log_tail if evidence is not None else "",
        since=tuple(_since(ending, now)),
        advice=tuple(_advice(ending)),
    )


def tell_alive(sandbox: SandboxRecord, generation: int | None, now: datetime) -> Narrative:
    """Return the story of a sandbox that never lost a container, or of a generation that has not ended."""
    age = format_duration((now - sandbox.created_at).total_seconds())
    if generation is None:
        headline = f"Nothing ended: {name_sandbox(sandbox)} is {sandbox.status}, made {age} ago."
    else:
        headline = f"No generation {generation} of {name_sandbox(sandbox)} has ended; it is {sandbox.status}."
    return Narrative(headline, (), "", (), ())


def tell_restarted(sandbox_id: str, generation: int, lost: Restarted) -> str:
    """Describe in one line what a container made anew has lost."""
    facts = [explain_reason(lost.cause) if lost.cause in REASONS else lost.cause]
    facts += [f"exit code {lost.exit_code}"] if lost.exit_code is not None else []
    facts += [f"at {format_moment(lost.died_at)}"] if lost.died_at is not None else []
    down = f"; ready again after {format_duration(lost.downtime_seconds)}" if lost.downtime_seconds is not None else ""
    return (
        f"sandbox {sandbox_id}: restarted, this is generation {generation}; files and processes of generation "
        f"{lost.previous_generation} are lost: {', '.join(facts)}{down}"
    )


def name_sandbox(sandbox: SandboxRecord) -> str:
    """Name a sandbox with its thread and user."""
    identity = [f"thread {sandbox.thread_id!r}"] if sandbox.thread_id is not None else []
    identity += [f"user {sandbox.user_id!r}"] if sandbox.user_id is not None else []
    return f"sandbox {sandbox.sandbox_id}" + (f" ({', '.join(identity)})" if identity else "")


def explain_exit_code(code: int) -> str:
    """Explain an exit code as shells and engines use it: `137 (SIGKILL: killed ...)`."""
    try:
        number = signal.Signals(code - 128) if code > 128 else None
    except ValueError:
        number = None
    if number is not None:
        meaning = SIGNALS.get(number)
        return f"{code} ({number.name}: {meaning})" if meaning else f"{code} (ended by {number.name})"
    return f"{code} ({EXITS[code]})" if EXITS.get(code) else f"{code}"


def explain_reason(reason: str) -> str:
    """Explain one of the reasons of `SandboxEvicted`."""
    return REASONS.get(reason, reason)


def _headline(ending: Ending, now: datetime) -> str:
    generation = ending.generation
    moment = generation.finished_at or generation.died_at or generation.ended_at
    when = ""
    if moment is not None:
        ago = format_duration((now - moment).total_seconds())
        when = f" at {format_moment(moment, digits=3)} ({ago} ago)"
    who = f"Generation {generation.number} of {name_sandbox(ending.sandbox)}"
    if generation.died_at is not None:
        return f"{who} died unexpectedly{when}."
    if generation.end_reason is None:
        return f"{who} never came up{when}."
    how = "as intended" if generation.expected else "unexpectedly"
    return f"{who} was taken out of use {how}{when}."


def _facts(ending: Ending) -> Iterator[str]:
    generation, evidence = ending.generation, ending.evidence
    yield _describe_container(generation)
    if generation.end_reason is not None:
        yield f"Reason: {generation.end_reason}, {explain_reason(generation.end_reason)}{_by_whom(ending)}."
    if generation.died_at is not None:
        yield _describe_notice(ending)
    if generation.error is not None:
        yield f"The start failed at stage {generation.error}"
    if evidence is None:
        if generation.needs_evidence:
            yield "It has not been examined yet: the engine could not tell. That is tried again before it is removed."
        elif generation.exit_code is not None:  # the event with the rest of the evidence is archived
            yield f"Exit code {explain_exit_code(generation.exit_code)}."
        return
    if not evidence.found:
        yield "When it was to be examined, the engine no longer had it: no exit code, no log."
    if evidence.exit_code is not None:
        yield f"Exit code {explain_exit_code(evidence.exit_code)}."
    yield from _describe_memory(evidence)
    if evidence.engine_error:
        yield f"The engine adds: {evidence.engine_error}"


def _describe_container(generation: Generation) -> str:
    container = generation.container_name
    if generation.container_id is not None:
        container += f" ({generation.backend} {generation.container_id[:12]})"
    place = f" on {generation.host}" if generation.host else ""
    ended = generation.finished_at or generation.died_at or generation.ended_at
    begun = generation.ready_at or generation.started_at
    if begun is None or ended is None:
        return f"Its container {container} was being started{place}."
    return f"Its container {container} ran{place} for {format_duration((ended - begun).total_seconds())}."


def _describe_notice(ending: Ending) -> str:
    generation = ending.generation
    noticed = ending.find(ev.SandboxDied)
    who = f" by {noticed.actor}" if noticed is not None else ""
    how = DETECTED.get(generation.detected_by or "", "")
    if generation.finished_at is None or generation.died_at is None:
        return f"It was noticed{who} {how} at {format_moment(generation.died_at, digits=3)}."
    delay = (generation.died_at - generation.finished_at).total_seconds()
    return f"It was noticed {format_duration(delay)} later{who}, {how}."


def _by_whom(ending: Ending) -> str:
    evicted = ending.find(ev.SandboxEvicted)
    return f"; recorded by {evicted.actor}" if evicted is not None and ending.generation.died_at is None else ""


def _describe_memory(evidence: ev.EvidenceCollected) -> Iterator[str]:
    limit = evidence.limits.memory_bytes
    of = f"; its limit was {format_size(limit)}" if limit is not None else "; it had no limit of its own"
    if evidence.oom_killed:
        yield f"The kernel ran out of memory for it{of}."
    elif evidence.found and limit is not None:
        yield f"No lack of memory was reported{of}."


def _since(ending: Ending, now: datetime) -> Iterator[str]:
    sandbox, generation = ending.sandbox, ending.generation
    if generation.removed_at is not None:
        yield f"Its container was removed at {format_moment(generation.removed_at)}."
    elif generation.removal_failures:
        yield f"Its container is not removed yet ({generation.removal_error}); the removal is tried again."
    elif generation.ended_at is not None:
        yield "Its container is not removed yet."
    yield from _describe_successor(ending)
    if sandbox.retry_at is not None and sandbox.retry_at > now:
        yield f"It crashed too often: no new start before {format_moment(sandbox.retry_at)}."


def _describe_successor(ending: Ending) -> Iterator[str]:
    sandbox, generation = ending.sandbox, ending.generation
    if sandbox.generation == generation.number:
        yield f"No generation came after it: the sandbox is {sandbox.status}."
        return
    ready = next((e for e in reversed(ending.events) if isinstance(e.event, ev.SandboxReady)), None)
    lost = generation.died_at or generation.ended_at
    if ready is None or lost is None or ready.event.generation != sandbox.generation:  # type: ignore[attr-defined]
        yield f"Generation {sandbox.generation} came after it: the sandbox is {sandbox.status}."
        return
    after = format_duration((ready.recorded_at - lost).total_seconds())
    yield f"Generation {sandbox.generation} was ready {after} later; the sandbox is {sandbox.status} now."


def _advice(ending: Ending) -> Iterator[str]:
    sandbox, generation, evidence = ending.sandbox, ending.generation, ending.evidence
    if sandbox.status in ("dead", "gone"):
        yield "The next acquire of its thread starts a fresh container under the same id; the old files are lost."
    else:
        yield f"Nothing has to be repaired; what generation {generation.number} had in files and processes is lost."
    if generation.end_reason in ADVICE:
        yield ADVICE[generation.end_reason]
    elif generation.error is not None:
        yield "`sandbox-ledger doctor` checks engine and image."
    elif generation.end_reason == "crashed":
        yield _advise_on_crash(evidence)


def _advise_on_crash(evidence: ev.EvidenceCollected | None) -> str:
    if evidence is None or not evidence.found:
        return "Look for who removes containers behind the ledger's back: a cleanup job, an operator, another provider."
    if evidence.exit_code == 128 + signal.SIGKILL:
        return "Look for who killed it: an operator, a cleanup job, or the host's out-of-memory killer (`dmesg`)."
    if evidence.exit_code == 0:
        return "Look for a command in the sandbox that stops its first process."
    return "Read its last log lines; if it comes again, run it by hand from the same image."
