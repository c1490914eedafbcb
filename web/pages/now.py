"""Now: is it the sandboxes, since when, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask.typing import ResponseReturnValue

from provider.domain.search import Search, format_search
from provider.domain.sweeps import SweepRow
from provider.domain.verdict import Bucket, Level, Reason, Verdict
from provider.ports.reading.fleet import FleetReading, Overview, Tally
from provider.ports.reading.fleet import Mark as FleetMark
from web.pages.page import WebPage, show_page
from web.presentation.moments import show_machine
from web.presentation.scale import Scale
from web.presentation.strip import Ends, MarkKind, Strip, StripMark, draw_strip
from web.presentation.words import Kind, Word, say_end
from web.services import services
from web.urls import url_for

KINDS: dict[Level, Kind] = {"healthy": "good", "degraded": "warn", "down": "bad", "unknown": "unknown"}
MARKS: dict[str, MarkKind] = {"sweep": "sweep", "worker_lost": "worker", "operator_action": "operator"}


@dataclass(frozen=True, slots=True)
class Number:
    """One of the five numbers: what it counts, and how that changed."""

    title: str
    value: str
    kind: Kind | None
    change: str
    aside: str
    url: str


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """One of the top reasons, with the way to every end it counts."""

    word: Word
    reason: Reason
    url: str


@dataclass(frozen=True, slots=True)
class NowView:
    """Everything on the page."""

    verdict: Verdict
    kind: Kind
    evidence_url: str | None
    numbers: tuple[Number, ...]
    strip: Strip
    reasons: tuple[ReasonLine, ...]
    reading: FleetReading
    sweep: SweepRow | None


def show() -> ResponseReturnValue:
    """Show how things are now."""
    overview = services().reports.fleet.overview()
    services().last_known.remember(overview.verdict.sentence, overview.reading.freshness.now)
    return show_page("now.html", build(overview), overview.reading.freshness.now)


def build(overview: Overview) -> NowView:
    """Return what was read in words and drawings."""
    reading, verdict = overview.reading, overview.verdict
    since = verdict.since
    return NowView(
        verdict=verdict,
        kind=KINDS[verdict.level],
        evidence_url=_evictions(expected=False, since_text=show_machine(since)) if since is not None else None,
        numbers=tuple(_numbers(overview)),
        strip=_draw(reading),
        reasons=tuple(_tell_reason(one) for one in reading.top_reasons),
        reading=reading,
        sweep=reading.last_sweep,
    )


def _numbers(overview: Overview) -> Iterator[Number]:
    reading = overview.reading
    current, before = reading.current, reading.before
    hour = show_machine(current.since)
    statuses = ", ".join(f"{reading.statuses.get(one, 0)} {one}" for one in ("active", "warm", "creating"))
    full: Kind | None = "warn" if reading.live >= overview.replicas else None
    yield Number(
        "Running", f"{reading.live} of {overview.replicas}", full, statuses, "",
        url_for("sandboxes", q="status:active,warm,creating"),
    )  # fmt: skip
    yield _compared(
        "Start failures", current, before, "start_failures", url_for("events", type="SandboxCreateFailed", since=hour)
    )
    yield _compared("Unexpected ends", current, before, "unexpected_ends", _evictions(expected=False, since_text=hour))
    yield _compared("Restarts", current, before, "restarts", url_for("restarts", q=f"since:{hour}"), is_bad=False)
    evictions = _compared(
        "Evictions", current, before, "evictions", url_for("evictions", q=f"since:{hour}"), is_bad=False
    )
    yield Number(
        evictions.title,
        evictions.value,
        None,
        evictions.change,
        f"{current.expected_ends:,} of them expected",
        evictions.url,
    )


def _compared(title: str, current: Tally, before: Tally, name: str, url: str, *, is_bad: bool = True) -> Number:
    now, then = getattr(current, name), getattr(before, name)
    sign = "=" if now == then else f"+{now - then:,}" if now > then else f"\u2212{then - now:,}"
    return Number(title, f"{now:,}", "bad" if is_bad and now else None, f"{sign} ({then:,} the hour before)", "", url)


def _draw(reading: FleetReading) -> Strip:
    buckets: tuple[Bucket, ...] = reading.strip
    ends = [Ends(one.start_at, one.end_at, one.unexpected_ends, one.expected_ends) for one in buckets]
    scale = Scale(reading.current.since, reading.current.until)
    return draw_strip(scale, ends, [mark_of(one) for one in reading.marks])


def mark_of(mark: FleetMark) -> StripMark:
    """Draw what the read side marks."""
    kind = MARKS[mark.kind]
    if mark.kind == "sweep" and mark.failed:
        kind = "sweep failed"
    return StripMark(mark.at, kind, f"{mark.at:%H:%M:%S} UTC: {mark.label}")


def _tell_reason(reason: Reason) -> ReasonLine:
    if reason.reason is None:
        word = Word("not examined", "unknown", "it died, and the engine has not reported how yet")
        return ReasonLine(
            word, reason, url_for("sandboxes", q=format_search(Search(status=("dead",), image=(reason.image,))))
        )
    hosts = (reason.host,) if reason.host else ()
    return ReasonLine(
        say_end(reason.reason, expected=False),
        reason,
        _evictions(reason=(reason.reason,), image=(reason.image,), host=hosts, since_text="1h"),
    )


def _evictions(**terms: object) -> str:
    return url_for("evictions", q=format_search(Search(**terms)))  # type: ignore[arg-type]


page = WebPage(path="/", endpoint="now", title="Now", key="n", view=show)
