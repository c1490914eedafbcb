"""What can be asked for: one value per URL, which says who may."""

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
    methods: tuple[str, ...] = ("GET",)
    role: WebRole | None = "viewer"

    def register(self, blueprint: Blueprint) -> None:
        """Add the URL to the dashboard."""
        blueprint.add_url_rule(self.path, endpoint=self.endpoint, view_func=self.view, methods=list(self.methods))
