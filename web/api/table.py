"""Which resources the API has."""

from __future__ import annotations

from web.api import actions, endings, fleet, log, openapi, operators, sandboxes
from web.api.answering import route_of
from web.api.operations import Operation
from web.routes import Route

OPERATIONS: tuple[Operation, ...] = (
    *fleet.OPERATIONS,
    *sandboxes.OPERATIONS,
    *log.OPERATIONS,
    *endings.OPERATIONS,
    *operators.OPERATIONS,
    *actions.OPERATIONS,
)

API_ROUTES: tuple[Route, ...] = (*(route_of(one) for one in OPERATIONS), openapi.route(OPERATIONS))
"""Every path starts with `/api/` and every endpoint with `api_`: errors there are problem details."""
