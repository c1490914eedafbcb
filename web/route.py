"""What can be asked for: one value per URL, which says who may; and what of it stands in the navigation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint
from flask.typing import ResponseReturnValue

from provider.config.settings import WebRole

View = Callable[..., ResponseReturnValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One URL and the view that answers it; `role` None is open to everyone who reaches the server."""

    path: str
    endpoint: str
    view: View
    role: WebRole | None
    methods: tuple[str, ...] = ("GET",)

    def register(self, blueprint: Blueprint) -> None:
        """Add the URL to the dashboard."""
        blueprint.add_url_rule(self.path, endpoint=self.endpoint, view_func=self.view, methods=list(self.methods))


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """A page in the navigation; `key` is typed after `g` to go there."""

    title: str
    endpoint: str
    key: str
