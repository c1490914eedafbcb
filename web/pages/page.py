"""A page: one view with a place in the navigation."""

from __future__ import annotations

from dataclasses import dataclass

from provider.config.settings import WebRole
from web.revalidation import revalidated
from web.routes import Route, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page; `key` is typed after `g` to go there, and a page without one is not in the navigation."""

    path: str
    endpoint: str
    title: str
    view: View
    key: str | None = None
    role: WebRole = "viewer"

    @property
    def route(self) -> Route:
        """The URL of the page."""
        return Route(path=self.path, endpoint=self.endpoint, view=revalidated(self.view), role=self.role)
