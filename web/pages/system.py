"""System: whether these pages can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from flask.typing import ResponseReturnValue

from provider.ports.reading.system import IntegritySummary, SystemReport
from web.invariants import Look
from web.live.head_poller import HeadFreshness
from web.pages.page import WebPage, show_page
from web.services import services

LIBRARIES = ("sandbox-ledger", "flask", "waitress", "sqlalchemy", "alembic", "docker")


@dataclass(frozen=True, slots=True)
class SystemView:
    """Everything on the page."""

    report: SystemReport
    integrity: IntegritySummary
    invariants: Look
    feed: HeadFreshness
    behind: int
    versions: tuple[tuple[str, str], ...]
    source: str
    auth: str


def show() -> ResponseReturnValue:
    """Show what stands behind the pages."""
    reports, settings = services().reports, services().settings
    report, feed = reports.system.describe(), services().open_head_poller().freshness()
    view = SystemView(
        report=report,
        integrity=reports.integrity.summary(),
        invariants=services().invariants.look(reports),
        feed=feed,
        behind=max(0, report.freshness.head_position - feed.position),
        versions=tuple((name, version(name)) for name in LIBRARIES),
        source=settings.source,
        auth=settings.web.auth,
    )
    return show_page("system.html", view, report.freshness.now)


page = WebPage(path="/system", endpoint="system", title="System", key="y", view=show)
