"""Which pages there are, in the order of the navigation."""

from __future__ import annotations

from web.pages import now
from web.pages.page import Page
from web.routes import Route

PAGES: tuple[Page, ...] = (now.page,)

PAGE_ROUTES: tuple[Route, ...] = ()
"""What belongs to the pages and is none: forms that are posted, files that are written."""
