"""One sandbox: what happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask.typing import ResponseReturnValue

from provider.domain.errors import InvalidPositionError, SandboxNotFound
from provider.domain.events import EvidenceCollected
from provider.domain.ids import parse_sandbox_id, sandbox_stream
from provider.domain.log import RecordedEvent
from provider.domain.search import Search
from provider.domain.state import Generation
from provider.ports.reading.audit import RestartRow
from provider.ports.reading.log import EventFilter, EventPage
from provider.ports.reading.sandboxes import SandboxRecord
from provider.reading.archived import tell_archived
from provider.reading.narrative import Narrative, tell_alive, tell_ending
from provider.reading.reports import Reports
from web.pages.acting import Acting, make_form, offer_for
from web.pages.page import WebPage, show_page
from web.presentation.event_line import EventLine, tell_event
from web.presentation.folding import describe_state, list_changes
from web.presentation.lifetime import LifetimeBar, Lifetimes, draw_lifetimes
from web.presentation.moments import read_as_of
from web.presentation.payload import FieldChange
from web.presentation.words import Word, say_end, say_status
from web.rendering import here
from web.services import services
from web.urls import url_for

LONGEST_FOLD = 2_000
"""Events up to which a page tells what each one changed: that takes the fold of the whole history."""
SHOWN_GENERATIONS = 50
SHOWN_RESTARTS = 50


@dataclass(frozen=True, slots=True)
class GenerationLine:
    """One container with its bar and what is said of its end."""

    generation: Generation
    bar: LifetimeBar
    end: Word | None


@dataclass(frozen=True, slots=True)
class EvidenceBlock:
    """What one container left behind."""

    recorded: RecordedEvent
    evidence: EvidenceCollected


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One event with what it changed; None where the history is too long for that."""

    line: EventLine
    changes: tuple[FieldChange, ...] | None


@dataclass(frozen=True, slots=True)
class ThenView:
    """The sandbox as it was at a moment; without `groups` it did not exist yet, with a `problem` nothing is known."""

    moment: datetime | None = None
    groups: tuple[tuple[str, tuple[tuple[str, object], ...]], ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class SandboxView:
    """Everything on the page."""

    sandbox: SandboxRecord
    word: Word
    current: Generation | None
    story: Narrative
    lifetimes: Lifetimes
    generations: tuple[GenerationLine, ...]
    left_out: int
    restarts: tuple[RestartRow, ...]
    evidence: tuple[EvidenceBlock, ...]
    listed: EventPage
    events: tuple[HistoryLine, ...]
    archived: str | None
    as_of: ThenView | None
    acting: Acting | None


def show(sandbox_id: str) -> ResponseReturnValue:
    """Show what happened to a sandbox."""
    reports = services().reports
    sandbox = reports.insights.find_by_id(parse_sandbox_id(sandbox_id))
    if sandbox is None:
        raise SandboxNotFound(sandbox_id)
    now = reports.now()
    view = _build(reports, sandbox, now)
    return show_page("sandbox.html", view, now, is_live=view.as_of is None, subject=sandbox_id)


def _build(reports: Reports, sandbox: SandboxRecord, now: datetime) -> SandboxView:
    sandbox_id, address = sandbox.sandbox_id, here()
    generations = reports.insights.list_generations(sandbox_id)
    lifetimes = draw_lifetimes(generations[-SHOWN_GENERATIONS:], now)
    stream = sandbox_stream(sandbox_id)
    listed = reports.log.list_events(EventFilter(stream=stream), cursor=address.get("cursor") or None)
    ending = reports.insights.find_ending(sandbox)
    restarts = reports.endings.list_restarts(Search(words=(sandbox_id,)), limit=SHOWN_RESTARTS)
    return SandboxView(
        sandbox=sandbox,
        word=say_status(sandbox.status),
        current=generations[-1] if generations else None,
        story=tell_ending(ending, now) if ending is not None else tell_alive(sandbox, None, now),
        lifetimes=lifetimes,
        generations=_lines(generations, lifetimes),
        left_out=max(0, len(generations) - SHOWN_GENERATIONS),
        restarts=restarts.items,
        evidence=_find_evidence(reports, stream),
        listed=listed,
        events=_tell_events(reports, sandbox, listed),
        archived=_tell_archived(reports, sandbox, stream),
        acting=make_form(
            reports, offer_for(sandbox.status, sandbox.retry_at), url_for("act", sandbox_id=sandbox_id), sandbox.version
        ),
        as_of=_look_back(reports, sandbox_id, address.get("at")) if address.get("at") else None,
    )


def _tell_archived(reports: Reports, sandbox: SandboxRecord, stream: str) -> str | None:
    first = reports.log.list_events(EventFilter(stream=stream), newest_first=False, limit=1)
    return tell_archived(sandbox, first.items, reports.insights.list_archives())


def _lines(generations: Sequence[Generation], lifetimes: Lifetimes) -> tuple[GenerationLine, ...]:
    by_number = {one.number: one for one in generations}
    return tuple(
        GenerationLine(by_number[bar.number], bar, say_generation_end(by_number[bar.number])) for bar in lifetimes.bars
    )


def say_generation_end(generation: Generation) -> Word | None:
    """Return the word for a container's end; None while it lives. One not examined yet is not told as a crash."""
    if generation.ended_at is None and generation.died_at is None:
        return None
    if generation.ended_at is None:
        return Word("died, not examined", "unknown", "the engine has not told yet how it ended")
    return say_end(generation.end_reason, generation.expected)


def _find_evidence(reports: Reports, stream: str) -> tuple[EvidenceBlock, ...]:
    found = reports.log.list_events(EventFilter(stream=stream, types=frozenset({"EvidenceCollected"})), limit=10)
    return tuple(EvidenceBlock(one, one.event) for one in found.items if isinstance(one.event, EvidenceCollected))


def _tell_events(reports: Reports, sandbox: SandboxRecord, listed: EventPage) -> tuple[HistoryLine, ...]:
    if sandbox.version > LONGEST_FOLD:
        return tuple(HistoryLine(tell_event(one), None) for one in listed.items)
    positions = {one.position for one in listed.items}
    changes = list_changes(reports.fold_history(sandbox.sandbox_id), positions)
    return tuple(HistoryLine(tell_event(one), changes.get(one.position)) for one in listed.items)


def _look_back(reports: Reports, sandbox_id: str, asked: str) -> ThenView:
    as_of = read_as_of(asked)
    if as_of is None:
        hint = "write 90s, 15m, 2h, 7d, 2026-03-28T14:02:11Z, or a position"
        return ThenView(problem=f"{asked!r} is no time: {hint}.")
    try:
        past = reports.look_back(as_of)
    except InvalidPositionError as error:
        return ThenView(problem=f"{error}.")
    try:
        then = past.read(sandbox_id)
    except SandboxNotFound:
        return ThenView(past.now())
    return ThenView(past.now(), tuple(_group(describe_state(then))))


def _group(values: Mapping[str, object]) -> Iterator[tuple[str, tuple[tuple[str, object], ...]]]:
    """Group what belongs to one container under its number."""
    groups: dict[str, list[tuple[str, object]]] = {"": []}
    for name, value in sorted(values.items()):
        group, _, field = name.rpartition(".")
        groups.setdefault(group, []).append((field, value))
    for group, items in groups.items():
        yield (f"Generation {group[1:]}" if group else "Sandbox"), tuple(items)


page = WebPage(path="/sandboxes/<sandbox_id>", endpoint="sandbox", title="Sandbox", view=show)
