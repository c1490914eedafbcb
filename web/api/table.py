"""Which resources the API has."""

from __future__ import annotations

from web.routes import Route

API_ROUTES: tuple[Route, ...] = ()
"""Every path starts with `/api/` and every endpoint with `api_`: errors there are problem details."""
