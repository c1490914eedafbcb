"""What a state is called: a word, and a kind that gives it shape and colour. Unknown has a kind of its own. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from provider.domain.events import UNEXPECTED_REASONS
from provider.reading.narrative import DETECTED, REASONS, explain_exit_code

Kind = Literal["bad", "warn", "good", "unknown", "expected", "under-way", "held", "warm", "plain", "did"]


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its kind; `title` explains it."""

    text: str
    kind: Kind
    title: str = ""


UNKNOWN = Word("unknown", "unknown", "nothing on record says")

STATUSES = {
    "creating": Word("creating", "under-way", "its container is being started"),
    "active": Word("active", "held", "a worker holds it"),
    "warm": Word("warm", "warm", "its container runs and nobody holds it"),
    "dead": Word("dead", "bad", "its container died; the next acquire of its thread makes a new one"),
    "evicting": Word("evicting", "under-way", "taken out of use; its container is being removed"),
    "gone": Word("gone", "expected", "it has no container"),
    "absent": Word("absent", "expected", "it never had a container"),
}
OUTCOMES = {
    "done": Word("done", "good"),
    "refused": Word("refused", "warn"),
    "failed": Word("failed", "bad"),
    "found_nothing": Word("found nothing", "expected", "everything was as expected"),
    "changed": Word("changed something", "did"),
    "running": Word("running", "under-way"),
    "interrupted": Word("interrupted", "warn", "another sweeper took over"),
}


def say_status(status: str | None) -> Word:
    """Return the word for the status of a sandbox."""
    return UNKNOWN if status is None else STATUSES.get(status, Word(status, "unknown"))


def say_end(reason: str | None, expected: bool | None) -> Word:
    """Return how a container ended; an expected end never looks like a failure, an unknown one like neither."""
    if reason is None and expected is None:
        return UNKNOWN
    text = reason or "start failed"
    title = REASONS.get(text, "")
    if expected is None:
        return Word(text, "unknown", title)
    return Word(text, "expected" if expected else "bad", title)


def say_cause(reason: str | None) -> Word:
    """Return why a container ended, where only the reason is at hand."""
    return say_end(reason, None if reason is None else reason not in UNEXPECTED_REASONS)


def say_exit(code: int | None, oom_killed: bool | None) -> Word:
    """Return an exit code in words, as shells and engines mean it."""
    if oom_killed:
        shown = "OOM" if code is None else f"{code} OOM"
        return Word(shown, "plain", "the kernel killed it for lack of memory")
    if code is None:
        return Word("unknown", "unknown", "the engine could not tell")
    explained = explain_exit_code(code)
    return Word(str(code), "plain", explained)


def say_outcome(outcome: str | None) -> Word:
    """Return what came of an action or a sweep; without an outcome it is under way."""
    if outcome is None:
        return Word("under way", "under-way", "no outcome is on record yet")
    return OUTCOMES.get(outcome, Word(outcome.replace("_", " "), "unknown"))


def say_noticed(detected_by: str | None) -> str:
    """Return how a death was noticed."""
    return DETECTED.get(detected_by or "", detected_by or "")


def show_count(number: int | None, cap: int | None = None) -> str:
    """Show a number, `>10,000` at its cap, and a question mark where nobody knows."""
    if number is None:
        return "?"
    return f">{cap:,}" if cap is not None and number > cap else f"{number:,}"
