"""Which pages there are, in the order of the navigation, and what forms on them are sent to."""

from __future__ import annotations

from web.pages import (
    acting,
    audit,
    events,
    evictions,
    exports,
    now,
    past,
    restarts,
    sandbox,
    sandboxes,
    sweeps,
    system,
    theme,
    timeline,
    workers,
)
from web.pages.page import Page
from web.routes import Route

PAGES: tuple[Page, ...] = (
    now.page,
    sandboxes.page,
    sandbox.page,
    past.page,
    timeline.page,
    events.page,
    evictions.page,
    restarts.page,
    workers.page,
    sweeps.page,
    audit.page,
    system.page,
)

PAGE_ROUTES: tuple[Route, ...] = (theme.route, exports.csv_route, exports.ndjson_route, *acting.ROUTES)
"""What belongs to the pages and is none: forms that are posted, files that are written."""
