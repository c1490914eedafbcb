"""Which pages there are, in the order of the navigation."""

from __future__ import annotations

from web.pages import now
from web.pages.page import Page

PAGES: tuple[Page, ...] = (now.page,)
