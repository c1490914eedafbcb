"""The dashboard: what happened to the sandboxes, in the browser. Reads through `provider.reading`, never a table."""

from __future__ import annotations

from web.application import create_app, create_blueprint

__all__ = ["create_app", "create_blueprint"]
