"""System: whether these pages can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from flask.typing import ResponseReturnValue

from provider.reports import SystemReport
from web.pages.frame import show_page
from web.pages.page import Page
from web.services import services

LIBRARIES = ("sandbox-ledger", "flask", "gunicorn", "sqlalchemy", "alembic", "docker")


@dataclass(frozen=True, slots=True)
class SystemView:
    """Everything on the page."""

    report: SystemReport
    versions: tuple[tuple[str, str], ...]
    source: str
    auth: str


def show() -> ResponseReturnValue:
    """Show what stands behind the pages."""
    report = services().reports.system.describe()
    settings = services().settings
    view = SystemView(report, tuple((name, version(name)) for name in LIBRARIES), settings.source, settings.web.auth)
    return show_page("system.html", view, report.freshness.now)


page = Page(path="/system", endpoint="system", title="System", key="y", view=show)
